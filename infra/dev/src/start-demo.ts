import { join } from 'node:path';
import type { KafkaClientOptions } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import type { Store } from '@calltally/store';
import type { Closing } from './closing.ts';
import { openDemoAccount } from './demo/account.ts';
import { waitUntilCounted } from './demo/counted.ts';
import { DemoFeed } from './demo/feed.ts';
import type { StackDescription } from './stack-file.ts';

interface Surroundings {
  kafka: Omit<KafkaClientOptions, 'clientId'>;
  topic: string;
  store: Store;
  folder: string;
  /** The API's address. */
  api: string;
  say(line: string): void;
  stopping: AbortSignal;
  closing: Closing;
}

const COUNTED_TIMEOUT_MS = 60_000;

/** Gives the demo user a key and calls, and resolves when those are counted. @throws StoreError, CallEventProducerError */
export async function startDemo(around: Surroundings): Promise<NonNullable<StackDescription['demo']>> {
  const { kafka, topic, store, folder, api, say, stopping, closing } = around;
  const file = join(folder, 'demo.json');
  const account = await openDemoAccount(store, file);
  const producer = createCallEventProducer({ ...kafka, topic, clientId: 'calltally-demo' });
  const feed = new DemoFeed(producer, account, file);
  closing.add(() => feed.stop());
  const published = await feed.publishMissing(Date.now());
  say(`${published} calls of user ${account.user_id} published`);
  // From here on the first request shows them, too.
  if (!(await waitUntilCounted(api, account.api_key, Date.now(), COUNTED_TIMEOUT_MS, stopping))) {
    say(`the demo calls are not all counted yet; see ${join(folder, 'logs', 'ingest.log')}`);
  }
  feed.startLive(say);
  return { user_id: account.user_id, api_key: account.api_key };
}
