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
  /** Folder of the whole engine; the database lies in it where PostgreSQL's user can get there. */
  dataDir: string;
  port: number;
  /** What is loaded into it; made ready for FerretDB with `documentdb`, as it comes with `nothing`. */
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
  // Nobody replicates from here. fsync and synchronous_commit stay on: what is acknowledged is kept.
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
  // DocumentDB's jobs run every few seconds; a row and a log line for each would only grow.
  'cron.log_run': 'off',
  'cron.log_statement': 'off',
  'documentdb.localhost_connection_string': 'host=127.0.0.1',
};

/** What a server that is ready can do. */
const READY = { documentdb: 'create extension if not exists documentdb cascade', nothing: 'select 1' };

/** A PostgreSQL; not started yet. */
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
    stopSignal: 'SIGINT', // does not wait for clients, as SIGTERM would
    retryStart: true, // workers that outlive a killed server by a moment keep a new one from the data
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
  // The folder was handed over to us, so it may be opened; what lies above it may not.
  if (await isPassable(dirname(dataDir))) {
    await chmod(dataDir, 0o755);
    return join(dataDir, 'postgres');
  }
  const key = createHash('sha256').update(dataDir).digest('hex').slice(0, 16);
  return join('/var/lib/calltally', key);
}

/** Appears whole or not at all, so that a killed start leaves nothing that looks like a database. */
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
 * A PostgreSQL of its own, to compare with: no service needs one. `address` is a `postgres://` URL of a database where
 * everybody is trusted. Rejects with StackError.
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
