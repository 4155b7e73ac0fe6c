import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';

const EVENTS_PER_REQUEST = 500;
const REQUEST_TIMEOUT_MS = 15_000;
const TRIES = 5;
const PAUSE_MS = 1_000;

/** Sends call events to intake, as a platform's backend does. */
export class CallSender {
  readonly #url: string;
  readonly #key: string;
  readonly #stopping: AbortSignal;

  /** @param intake its address */
  constructor(intake: string, key: string, stopping: AbortSignal) {
    this.#url = `${intake}/calls`;
    this.#key = key;
    this.#stopping = stopping;
  }

  /** Resolves when all are stored. @throws Error if intake refuses one, or stays unavailable */
  async sendAll(events: readonly CallEvent[]): Promise<void> {
    for (let from = 0; from < events.length; from += EVENTS_PER_REQUEST) {
      await this.#send(JSON.stringify(events.slice(from, from + EVENTS_PER_REQUEST)));
    }
  }

  /** Sends again what intake could not take: no call is counted twice. */
  async #send(body: string): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.any([this.#stopping, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
      });
      if (response.status === 202) return void (await response.body?.cancel());
      if (response.status !== 503 || attempt === TRIES) {
        throw new Error(`intake answered ${response.status}: ${await response.text()}`);
      }
      await response.body?.cancel();
      await sleep(PAUSE_MS, undefined, { signal: this.#stopping });
    }
  }
}
