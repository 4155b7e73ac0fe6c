import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store } from '@calltally/store';
import type { Closing } from '../closing.ts';
import type { StackDescription } from '../stack-file.ts';
import { waitUntilCounted } from '../waiting.ts';
import { type DemoAccount, openDemoAccount, saveDemoAccount } from './account.ts';
import { type DemoCall, demoCallsBetween, liveDemoCall } from './calls.ts';
import { laterEventOf } from './corrections.ts';
import { CallSender } from './sender.ts';

interface Surroundings {
  store: Store;
  folder: string;
  /** The API's address. */
  api: string;
  /** Intake's address. */
  intake: string;
  say(line: string): void;
  stopping: AbortSignal;
  closing: Closing;
}

const COUNTED_TIMEOUT_MS = 60_000;

/** Creates the demo user's keys and calls. Resolves when they are counted. @throws StoreError, Error of the sender */
export async function startDemo(around: Surroundings): Promise<NonNullable<StackDescription['demo']>> {
  const { store, folder, api, intake, say, stopping, closing } = around;
  const file = join(folder, 'demo.json');
  const account = await openDemoAccount(store, file);
  const feed = new DemoFeed(new CallSender(intake, account.write_key, stopping), account, file);
  closing.add(() => feed.stop());
  const published = await feed.publishMissing(Date.now());
  say(`${published} calls of user ${account.user_id} sent to intake`);
  // Even the first request should show them.
  if (!(await waitUntilCounted(api, account.api_key, Date.now(), COUNTED_TIMEOUT_MS, stopping))) {
    say(`the demo calls are not all counted yet; see ${join(folder, 'logs', 'ingest.log')}`);
  }
  feed.startLive(say);
  const { user_id, api_key, write_key } = account;
  return { user_id, api_key, write_key };
}

const HISTORY_MS = 90 * 86_400_000;
const EVERY_MS = 4_000;

/**
 * Sends the demo user's calls to intake: first the missing ones of the last 90 days, then one every few seconds. Now and then the
 * one before is corrected or taken back.
 */
class DemoFeed {
  readonly #sender: CallSender;
  readonly #account: DemoAccount;
  readonly #file: string;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();

  /** @param file holds the account */
  constructor(sender: CallSender, account: DemoAccount, file: string) {
    this.#sender = sender;
    this.#account = account;
    this.#file = file;
  }

  /** @returns how many calls were published @throws Error of the sender */
  async publishMissing(nowMs: number): Promise<number> {
    const fromMs = Math.max(this.#account.published_until_ms, nowMs - HISTORY_MS);
    const calls = demoCallsBetween(fromMs, nowMs);
    await this.#sender.sendAll(calls.map(({ event }) => event));
    await this.#rememberUntil(nowMs);
    return calls.length;
  }

  /** @param say called when a call could not be published, once for each series of failures */
  startLive(say: (line: string) => void): void {
    this.#running = this.#live(say);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
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
        await this.#sender.sendAll(later ? [later, call.event] : [call.event]);
        before = call;
        await this.#rememberUntil(call.endedAtMs);
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted)
          say(`demo: cannot send a call (${(error as Error).message}); trying again with the next call`);
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
