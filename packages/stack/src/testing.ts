import { randomBytes } from 'node:crypto';
import type { Engine, EngineOptions } from './engine.ts';
import { uniqueFolder } from './folder.ts';
import { startKafka } from './kafka.ts';
import { startMongo } from './mongo.ts';
import { CHROMIUM, KCAT, obtainTool } from './obtain/tools.ts';
import { startRedis } from './redis.ts';
import { fromEnvironment } from './stack.ts';

export { obtainActionlint } from './obtain/actionlint.ts';

/** As much of tap's `t` as is needed here. */
export interface Test {
  teardown(step: () => unknown): void;
}

/** The command of Chromium or Chrome, for tests of the page. Rejects with StackError. */
export const obtainChromium = () => obtainTool(CHROMIUM);

/** A producer over librdkafka, for tests that need another client than ours. Rejects with StackError. */
export const obtainKcat = () => obtainTool(KCAT);

/** The Kafka that KAFKA_BROKERS names, shared with others, else one that ends with `t`. */
export async function testKafka(t: Test): Promise<Engine> {
  return fromEnvironment('kafka') ?? own(t, startKafka);
}

/** The Mongo that MONGODB_URI names, shared with others, else one that ends with `t`. */
export async function testMongo(t: Test): Promise<Engine> {
  return fromEnvironment('mongo') ?? own(t, startMongo);
}

/** A Redis of this test alone, which ends with `t`; `args` as for startRedis. */
export async function testRedis(t: Test, args: string[] = []): Promise<Engine> {
  return own(t, (options) => startRedis({ ...options, args }));
}

/** A name nobody else uses, for a topic, a database, a user. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

async function own(t: Test, start: (options: EngineOptions) => Promise<Engine>): Promise<Engine> {
  const folder = await uniqueFolder();
  let engine: Engine | undefined;
  t.teardown(async () => {
    await engine?.stop('SIGKILL'); // nobody reads its data again
    await folder.remove();
  });
  engine = await start({ dataDir: folder.path('engine') });
  return engine;
}
