import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Engine, EngineOptions } from './engine.ts';
import { obtainPostgres } from './obtain/postgres.ts';
import { onFreePorts } from './ports.ts';
import { preparePostgres } from './postgres.ts';

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
