import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError, startStack } from '@calltally/stack';
import { openStore } from '@calltally/store';
import { announcement } from './announce.ts';
import { Closing } from './closing.ts';
import { DevError } from './errors.ts';
import { kafkaSettings, topicNames } from './kafka-settings.ts';
import { takeLock } from './lock.ts';
import { parseOptions } from './options.ts';
import { prepareEngines } from './prepare.ts';
import { StackFile } from './stack-file.ts';
import { startDemo } from './start-demo.ts';
import { startServices } from './start-services.ts';
import { stopSignal } from './stop-signal.ts';

const STORE_TIMEOUT_MS = 30_000;
const STORE_SELECTION_TIMEOUT_MS = 10_000;

const say = (line: string) => console.log(line);

/**
 * Runs calltally on this machine until it is asked to end.
 *
 * @param root the folder of the repository; data, logs and `stack.json` go below its `.calltally`
 * @returns the exit status: 0 when it was asked to end, 1 when it could not go on and has said why
 */
export async function start(root: string, args: readonly string[]): Promise<number> {
  const stopping = stopSignal();
  const closing = new Closing();
  let status = 0;
  try {
    await run(root, args, stopping, closing);
  } catch (error) {
    if (!stopping.aborted) {
      say(error instanceof DevError || error instanceof StackError ? error.message : describe(error));
      status = 1;
    }
  }
  if (stopping.aborted) say('\nending …');
  for (const problem of await closing.run()) say(describe(problem));
  if (stopping.aborted) say('everything has ended');
  return status;
}

async function run(
  root: string,
  args: readonly string[],
  stopping: AbortSignal,
  closing: Closing,
): Promise<void> {
  const options = parseOptions(args);
  const folder = join(root, '.calltally');
  await mkdir(folder, { recursive: true });
  closing.add(await takeLock(join(folder, 'start.lock')));
  const stackFile = join(folder, 'stack.json');
  // One that a killed run left behind would speak of processes that are gone.
  await rm(stackFile, { force: true });

  const engines = await timed('engines', () => startStack({ dataDir: folder, restart: true, log: say }));
  closing.add(() => engines.stop());
  stopping.throwIfAborted();

  const kafka = kafkaSettings(engines.kafka.address, process.env);
  const topics = topicNames(process.env);
  const mongo = engines.mongo.external ? engines.mongo.address : `${engines.mongo.address}/calltally`;
  const store = openStore({
    uri: mongo,
    timeoutMs: STORE_TIMEOUT_MS,
    selectionTimeoutMs: STORE_SELECTION_TIMEOUT_MS,
  });
  closing.add(() => store.close());
  await timed('topics and indexes', () => prepareEngines(kafka, topics, store));
  stopping.throwIfAborted();

  const addresses = { kafka: engines.kafka.address, redis: engines.redis.address, mongo };
  const services = await timed('api and ingest', () =>
    startServices({ root, folder, addresses, say, stopping, closing }),
  );
  const demo = options.demo
    ? await timed('demo calls', () =>
        startDemo({
          kafka,
          topic: topics.topic,
          store,
          folder,
          api: services.api.address,
          say,
          stopping,
          closing,
        }),
      )
    : null;

  const { api, ingest } = services;
  const file = new StackFile(stackFile, () => ({
    api: api.address,
    ingest: ingest.address,
    ...addresses,
    topic: topics.topic,
    pids: {
      api: api.service.pid ?? null,
      ingest: ingest.service.pid ?? null,
      kafka: engines.kafka.pid ?? null,
      redis: engines.redis.pid ?? null,
      mongo: engines.mongo.pid ?? null,
    },
    demo,
    supervisor: process.pid,
  }));
  closing.add(() => file.stop());
  await file.start();
  for (const line of announcement({ api: api.address, demo })) say(line);
  if (!stopping.aborted) await once(stopping, 'abort');
}

async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const result = await work();
  say(`${step}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return result;
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
