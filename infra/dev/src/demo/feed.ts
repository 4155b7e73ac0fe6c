import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEventProducer } from '@calltally/contract/producer';
import { type DemoAccount, saveDemoAccount } from './account.ts';
import { demoCallsBetween, liveDemoCall } from './calls.ts';

const HISTORY_MS = 90 * 86_400_000;
const EVERY_MS = 4_000;
const STOP_TIMEOUT_MS = 2_000;

/** Publishes the demo user's calls: those that are missing of the last 90 days, then one every few seconds. */
export class DemoFeed {
  readonly #producer: CallEventProducer;
  readonly #account: DemoAccount;
  readonly #file: string;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param file where the account is kept */
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

  /** @param say told of a call that could not be published, once for each run of failures */
  startLive(say: (line: string) => void): void {
    this.#running = this.#live(say);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    const ended = this.#running.then(() => this.#producer.close()).catch(() => {});
    // With Kafka gone a call under way would be tried for half a minute.
    await Promise.race([ended, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
  }

  async #live(say: (line: string) => void): Promise<void> {
    const { signal } = this.#stopping;
    let failing = false;
    while (!signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      try {
        const { event, endedAtMs } = liveDemoCall(Date.now());
        await this.#producer.send(event);
        await this.#rememberUntil(endedAtMs);
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted)
          say(`demo: a call could not be published (${(error as Error).message})`);
        failing = true;
      }
    }
  }

  /** So that the next start does not fill with made-up history the time in which calls came live. */
  async #rememberUntil(ms: number): Promise<void> {
    this.#account.published_until_ms = ms;
    await saveDemoAccount(this.#file, this.#account);
  }
}
