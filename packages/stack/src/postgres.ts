import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { StackError } from './errors.ts';
import { isRoot, run } from './obtain/command.ts';
import { isPassable, makePassable, UNPRIVILEGED_UID } from './obtain/passable.ts';
import { obtainPostgres } from './obtain/postgres.ts';
import { MONGO_REMEDY } from './obtain/postgres-packages.ts';
import { onFreePorts } from './ports.ts';
import { postgresQuery } from './postgres-client.ts';
import { dyingWithParent } from './processes.ts';

interface PostgresOptions {
  /** Folder with `postgres` and `initdb`. */
  bin: string;
  /** Folder of the whole engine. It holds the database if PostgreSQL's user can reach it. */
  dataDir: string;
  port: number;
  /** The extensions: `documentdb` for FerretDB, or `nothing` for a plain PostgreSQL. */
  with: 'documentdb' | 'nothing';
  log?: ((line: string) => void) | undefined;
  restart?: boolean | undefined;
}

const COMMON = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: 200,
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  // There are no replicas. fsync and synchronous_commit stay on: acknowledged writes must survive a crash.
  wal_level: 'minimal',
  max_wal_senders: 0,
  jit: 'off',
  timezone: 'GMT',
  log_timezone: 'GMT',
};

const DOCUMENTDB = {
  shared_preload_libraries: 'pg_cron,pg_documentdb_core,pg_documentdb',
  'cron.database_name': 'postgres',
  'cron.host': '127.0.0.1',
  // DocumentDB's jobs run every few seconds. A row and a log line for each would add up without limit.
  'cron.log_run': 'off',
  'cron.log_statement': 'off',
  'documentdb.localhost_connection_string': 'host=127.0.0.1',
};

/** A server is ready when this statement succeeds. */
const READY = { documentdb: 'create extension if not exists documentdb cascade', nothing: 'select 1' };

/** Prepares a PostgreSQL, including its data folder, but does not start it. */
export async function preparePostgres({
  bin,
  dataDir,
  port,
  with: loaded,
  log,
  restart,
}: PostgresOptions): Promise<Daemon> {
  const uid = isRoot() ? UNPRIVILEGED_UID : undefined;
  const data = await placeFor(dataDir);
  await makePassable(dirname(data));
  if (!(await exists(join(data, 'PG_VERSION')))) await initialise(bin, data, uid);
  return new Daemon({
    name: 'postgres',
    dataDir,
    cwd: '/',
    log,
    restart,
    uid,
    command: join(bin, 'postgres'),
    args: ['-D', data, ...settings({ ...COMMON, port, ...(loaded === 'documentdb' && DOCUMENTDB) })],
    stopSignal: 'SIGINT', // SIGTERM would wait for clients to disconnect
    retryStart: true, // after a kill, remaining workers block the data folder for a moment
    isReady: () =>
      postgresQuery(port, READY[loaded]).then(
        () => true,
        () => false,
      ),
  });
}

/** Where PostgreSQL keeps the data of an engine whose folder is `dataDir`, an absolute path that exists. */
export async function placeFor(dataDir: string): Promise<string> {
  if (!isRoot()) return join(dataDir, 'postgres');
  // The caller gave us this folder, so we may change its mode, but not the mode of its parents.
  if (await isPassable(dirname(dataDir))) {
    await chmod(dataDir, 0o755);
    return join(dataDir, 'postgres');
  }
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join('/var/lib/calltally', key);
}

/** Creates the database under another name and renames it, so a killed start leaves no incomplete database. */
async function initialise(bin: string, data: string, uid: number | undefined): Promise<void> {
  const draft = `${data}.new`;
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft, { mode: 0o700 });
  if (uid !== undefined) await chown(draft, uid, uid);
  const options = ['-U', 'postgres', '--auth=trust', '--locale=C.UTF-8', '-E', 'UTF8', '--no-sync'];
  const { command, args } = await dyingWithParent(join(bin, 'initdb'), ['-D', draft, ...options], uid);
  await run(command, args, { cwd: '/', env: { LC_ALL: 'C.UTF-8', TZ: 'UTC' } }).catch((error: Error) => {
    throw new StackError('STACK_START_FAILED', 'mongo', error.message, MONGO_REMEDY, error);
  });
  await rename(draft, data);
}

function settings(values: Record<string, string | number>): string[] {
  return Object.entries(values).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/**
 * Starts a plain PostgreSQL for benchmarks; no service uses it. `address` is a `postgres://` URL that needs no
 * password. Rejects with StackError.
 */
export async function startPostgres({
  log,
  restart,
  ...given
}: EngineOptions): Promise<Pick<Engine, 'address' | 'stop'>> {
  const dataDir = resolve(given.dataDir);
  const bin = await obtainPostgres(log);
  await mkdir(dataDir, { recursive: true });
  return onFreePorts(dataDir, ['postgres'], async ({ postgres: port }) => {
    const daemon = await preparePostgres({ bin, dataDir, port, with: 'nothing', log, restart });
    await daemon.start();
    return {
      address: `postgres://postgres@127.0.0.1:${port}/postgres`,
      stop: (signal) => daemon.stop(signal),
    };
  });
}
