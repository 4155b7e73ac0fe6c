import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { KafkaClientOptions } from '@calltally/contract';
import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import type { Store } from '@calltally/store';
import type { Closing } from '../closing.ts';
import type { StackDescription } from '../stack-file.ts';
import { waitUntilCounted } from '../waiting.ts';
import { type DemoAccount, openDemoAccount, saveDemoAccount } from './account.ts';
import { type DemoCall, demoCallsBetween, liveDemoCall } from './calls.ts';
import { laterEventOf } from './corrections.ts';

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

/** Creates the demo user's key and calls. Resolves when they are counted. @throws StoreError, CallEventProducerError */
export async function startDemo(around: Surroundings): Promise<NonNullable<StackDescription['demo']>> {
  const { kafka, topic, store, folder, api, say, stopping, closing } = around;
  const file = join(folder, 'demo.json');
  const account = await openDemoAccount(store, file);
  const producer = createCallEventProducer({ ...kafka, topic, clientId: 'calltally-demo' });
  const feed = new DemoFeed(producer, account, file);
  closing.add(() => feed.stop());
  const published = await feed.publishMissing(Date.now());
  say(`${published} calls of user ${account.user_id} published`);
  // Even the first request should show them.
  if (!(await waitUntilCounted(api, account.api_key, Date.now(), COUNTED_TIMEOUT_MS, stopping))) {
    say(`the demo calls are not all counted yet; see ${join(folder, 'logs', 'ingest.log')}`);
  }
  feed.startLive(say);
  return { user_id: account.user_id, api_key: account.api_key };
}

const HISTORY_MS = 90 * 86_400_000;
const EVERY_MS = 4_000;
const STOP_TIMEOUT_MS = 2_000;

/**
 * Publishes the demo user's calls: first the missing ones of the last 90 days, then one every few seconds. Now and then the
 * one before is corrected or taken back.
 */
class DemoFeed {
  readonly #producer: CallEventProducer;
  readonly #account: DemoAccount;
  readonly #file: string;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param file holds the account */
  constructor(producer: CallEventProducer, account: DemoAccount, file: string) {
    this.#producer = producer;
    this.#account = account;
    this.#file = file;
  }

  /** @returns how many calls were published @throws CallEventProducerError */
  async publishMissing(nowMs: number): Promise<number> {
    const fromMs = Math.max(this.#account.published_until_ms, nowMs - HISTORY_MS);
    const calls = demoCallsBetween(fromMs, nowMs);
    await this.#producer.sendAll(calls.map(({ event }) => event));
    await this.#rememberUntil(nowMs);
    return calls.length;
  }

  /** @param say called when a call could not be published, once for each series of failures */
  startLive(say: (line: string) => void): void {
    this.#running = this.#live(say);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const ended = this.#running.then(() => this.#producer.close()).catch(() => {});
    // Without Kafka, the producer would retry a call in progress for half a minute.
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async #live(say: (line: string) => void): Promise<void> {
    const { signal } = this.#stopping;
    let failing = false;
    let before: DemoCall | undefined;
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      try {
        const call = liveDemoCall(Date.now());
        const later = before && laterEventOf(before);
        await this.#producer.sendAll(later ? [later, call.event] : [call.event]);
        before = call;
        await this.#rememberUntil(call.endedAtMs);
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted)
          say(`demo: cannot publish a call (${(error as Error).message}); trying again with the next call`);
        failing = true;
      }
    }
  }

  /** Saves the time, so that the next start does not publish history for the time of live calls. */
  async #rememberUntil(ms: number): Promise<void> {
    this.#account.published_until_ms = ms;
    await saveDemoAccount(this.#file, this.#account);
  }
}
