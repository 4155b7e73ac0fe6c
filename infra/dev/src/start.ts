import { once } from 'node:events';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MongoSettings, readSettings } from '@calltally/settings';
import { startStack } from '@calltally/stack';
import { openStore } from '@calltally/store';
import { startDemo } from './demo/feed.ts';
import { hookKeysFile } from './hook-keys.ts';
import { kafkaSettings, prepareEngines, topicNames } from './kafka.ts';
import { takeLock } from './lock.ts';
import { parseOptions } from './options.ts';
import { chooseAddresses } from './ports.ts';
import { announcement, StackFile } from './stack-file.ts';
import { startServices } from './start-services.ts';
import { type Surroundings, say, supervise, timed } from './supervise.ts';

const STORE_TIMEOUT_MS = 30_000;
const STORE_SELECTION_TIMEOUT_MS = 10_000;

/**
 * Runs calltally on this machine until this process is asked to stop.
 *
 * @param root the folder of the repository; data, logs and `stack.json` are in its `.calltally`
 * @returns the exit status: 0 after a request to stop, 1 after a failure, which it has printed
 * @throws file system errors
 */
export function start(root: string, args: readonly string[]): Promise<number> {
  return supervise(root, args, run);
}

async function run({ root, args, stopping, closing }: Surroundings): Promise<void> {
  const options = parseOptions(args);
  const folder = join(root, '.calltally');
  await mkdir(folder, { recursive: true });
  closing.add(await takeLock(join(folder, 'start.lock')));
  const stackFile = join(folder, 'stack.json');
  // A killed run may have left a file that names dead processes.
  await rm(stackFile, { force: true });

  // Before the engines, which take a while, so that an unavailable port is reported immediately.
  const at = await chooseAddresses(process.env, say);

  const engines = await timed('engines', () => startStack({ dataDir: folder, restart: true, log: say }));
  closing.add(() => engines.stop());
  stopping.throwIfAborted();

  const kafka = kafkaSettings(engines.kafka.address, process.env);
  const topics = topicNames(process.env);
  const addresses = {
    kafka: engines.kafka.address,
    topic: topics.topic,
    redis: engines.redis.address,
    mongo: engines.mongo.external ? engines.mongo.address : `${engines.mongo.address}/calltally`,
  };
  const store = openStore({
    ...readSettings([MongoSettings], { MONGODB_URI: addresses.mongo }).mongo,
    timeoutMs: STORE_TIMEOUT_MS,
    selectionTimeoutMs: STORE_SELECTION_TIMEOUT_MS,
  });
  closing.add(() => store.close());
  await timed('topics and indexes', () => prepareEngines(kafka, topics, store));
  stopping.throwIfAborted();

  const shared = { folder, say, stopping, closing };
  const keysFile = await hookKeysFile(folder, process.env);
  const env = {
    ...process.env,
    KAFKA_BROKERS: addresses.kafka,
    REDIS_URL: addresses.redis,
    MONGODB_URI: addresses.mongo,
    HOOK_KEYS_FILE: keysFile ?? undefined,
    PUBLIC_URL: process.env.PUBLIC_URL || at.intake.address,
  };
  const [api, ingest, intake] = await timed('api, ingest and intake', () => {
    const plan = (['api', 'ingest', 'intake'] as const).map((name) => ({
      name,
      service: name,
      at: at[name],
    }));
    return startServices(plan, { ...shared, root, env });
  });
  const demo = options.demo
    ? await timed('demo calls', () =>
        startDemo({ ...shared, store, api: at.api.address, intake: at.intake.address }),
      )
    : null;

  const file = new StackFile(stackFile, () => ({
    api: at.api.address,
    ingest: at.ingest.address,
    intake: at.intake.address,
    ...addresses,
    pids: {
      api: api?.pid ?? null,
      ingest: ingest?.pid ?? null,
      intake: intake?.pid ?? null,
      kafka: engines.kafka.pid ?? null,
      redis: engines.redis.pid ?? null,
      mongo: engines.mongo.pid ?? null,
    },
    demo,
    hook_keys_file: keysFile,
    supervisor: process.pid,
  }));
  closing.add(() => file.stop());
  await file.start();
  for (const line of announcement({ api: at.api.address, intake: at.intake.address, demo })) say(line);
  if (!stopping.aborted) await once(stopping, 'abort');
}
