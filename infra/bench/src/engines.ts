import { join } from 'node:path';
import {
  type Engine,
  type EngineOptions,
  startKafka,
  startMongo,
  startPostgres,
  startRedis,
} from '@calltally/stack';
import type { Bench } from './bench.ts';

/** Engines only for this run, without other work; for `bench.shared`. */
export const kafka = (bench: Bench) => start(bench, startKafka, 'kafka');
export const mongo = (bench: Bench) => start(bench, startMongo, 'mongo');
export const postgres = (bench: Bench) => start(bench, startPostgres, 'postgres');

let servers = 0;

/** A Redis for one use, so that no figure finds another's keys. */
export function freshRedis(bench: Bench): Promise<Engine> {
  servers += 1;
  return start(bench, startRedis, `redis-${servers}`);
}

async function start<E extends Pick<Engine, 'stop'>>(
  bench: Bench,
  begin: (options: EngineOptions) => Promise<E>,
  name: string,
): Promise<E> {
  const engine = await begin({ dataDir: join(bench.folder, name), log: (line) => bench.say(line) });
  bench.atEnd(() => engine.stop('SIGKILL'));
  return engine;
}
