import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ServerTls } from './certificates.ts';
import { Daemon } from './daemon.ts';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import { run, which } from './obtain/command.ts';
import { ferretdbTools, obtainFerretdb } from './obtain/ferretdb.ts';
import { makePassable } from './obtain/passable.ts';
import { obtainPostgres, postgresTools } from './obtain/postgres.ts';
import type { Tool } from './obtain/tools.ts';
import { onFreePorts } from './ports.ts';
import { preparePostgres } from './postgres.ts';
import { answersMongo } from './probe.ts';

const MONGOD_MAJOR_MIN = 6;

export interface MongoOptions extends EngineOptions {
  /** Whether clients must log in. Create the users first, in a run without `auth`. */
  auth?: boolean | undefined;
  /** If given, the port speaks TLS alone. */
  tls?: ServerTls | undefined;
}

/**
 * Starts an engine that speaks MongoDB's protocol: `mongod` if it is on PATH, otherwise FerretDB over PostgreSQL.
 * Rejects with StackError.
 */
export async function startMongo(given: MongoOptions): Promise<Engine> {
  const options = { ...given, dataDir: resolve(given.dataDir) };
  const mongod = await findMongod();
  await makePassable(options.dataDir);
  return mongod === undefined ? startFerretdb(options) : startMongod(mongod, options);
}

/** The tools that must be installed. */
export async function mongoTools(): Promise<Tool[]> {
  if ((await findMongod()) !== undefined) return [];
  return [...(await postgresTools()), ...(await ferretdbTools())];
}

/** Downloads what startMongo needs, so that the first start is as fast as later ones. Rejects with StackError. */
export async function obtainMongo(log?: (line: string) => void): Promise<void> {
  if ((await findMongod()) !== undefined) return;
  await Promise.all([obtainPostgres(log), obtainFerretdb(log)]);
}

/** Undefined also if the one on PATH is too old. */
async function findMongod(): Promise<string | undefined> {
  const command = await which('mongod');
  if (command === undefined) return undefined;
  const said = await run(command, ['--version']).catch(() => '');
  return Number(/db version v(\d+)\./.exec(said)?.[1]) >= MONGOD_MAJOR_MIN ? command : undefined;
}

async function startMongod(
  command: string,
  { dataDir, log, restart, auth, tls }: MongoOptions,
): Promise<Engine> {
  const data = join(dataDir, 'mongod');
  await mkdir(data, { recursive: true });
  return onFreePorts(dataDir, ['mongo'], async ({ mongo: port }) => {
    const args = ['--dbpath', data, '--port', `${port}`, '--bind_ip', '127.0.0.1', '--quiet'];
    if (auth) args.push('--auth');
    if (tls !== undefined) args.push(...(await mongodTls(tls, dataDir)));
    const isReady = () => answersMongo(port, tls);
    const daemon = new Daemon({ name: 'mongod', dataDir, log, restart, command, args, isReady });
    await daemon.start();
    return ownEngine({ name: 'mongo', address: addressOf(port), dataDir }, daemon);
  });
}

/** `mongod` wants certificate and key in one file. */
async function mongodTls({ identity, ca, mutual }: ServerTls, dataDir: string): Promise<string[]> {
  const file = join(dataDir, 'mongod.pem');
  const parts = await Promise.all([identity.key, identity.cert].map((part) => readFile(part, 'utf8')));
  await writeFile(file, parts.join(''), { mode: 0o600 });
  const args = ['--tlsMode', 'requireTLS', '--tlsCertificateKeyFile', file, '--tlsCAFile', ca];
  return mutual === undefined ? [...args, '--tlsAllowConnectionsWithoutCertificates'] : args;
}

async function startFerretdb({ dataDir, log, restart, auth, tls }: MongoOptions): Promise<Engine> {
  const [bin, command] = await Promise.all([obtainPostgres(log), obtainFerretdb(log)]);
  const state = join(dataDir, 'ferretdb');
  await mkdir(state, { recursive: true });
  return onFreePorts(dataDir, ['mongo', 'postgres'], async (ports) => {
    const postgres = await preparePostgres({
      bin,
      dataDir,
      port: ports.postgres,
      with: 'documentdb',
      log,
      restart,
    });
    const args = [
      `--postgresql-url=postgres://postgres@127.0.0.1:${ports.postgres}/postgres`,
      ...listenArgs(ports.mongo, tls),
      `--state-dir=${state}`,
      '--debug-addr=-',
      '--telemetry=disable',
      '--log-level=warn',
      ...(auth ? [] : ['--no-auth']),
    ];
    const env = { DO_NOT_TRACK: '1' };
    const isReady = () => answersMongo(ports.mongo, tls);
    const ferretdb = new Daemon({ name: 'ferretdb', dataDir, log, restart, command, args, env, isReady });
    const both = ownEngine({ name: 'mongo', address: addressOf(ports.mongo), dataDir }, ferretdb, [postgres]);
    await both.start().catch(async (error) => {
      await both.stop('SIGKILL');
      throw error;
    });
    return both;
  });
}

function listenArgs(port: number, tls: ServerTls | undefined): string[] {
  const address = `127.0.0.1:${port}`;
  if (tls === undefined) return [`--listen-addr=${address}`];
  const { identity, ca, mutual } = tls;
  const files = [`--listen-tls-cert-file=${identity.cert}`, `--listen-tls-key-file=${identity.key}`];
  // With an authority, FerretDB demands a certificate of each client.
  const clients = mutual === undefined ? [] : [`--listen-tls-ca-file=${ca}`];
  return ['--listen-addr=', `--listen-tls=${address}`, ...files, ...clients];
}

function addressOf(port: number): string {
  return `mongodb://127.0.0.1:${port}`;
}
