import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import type { Bench } from './bench.ts';
import { Client } from './client.ts';
import type { NodeProcess } from './processes.ts';

/** The user whose events are awaited. */
export const PROBED = 'probe';

/** Random pauses keep probes out of step with the timers of ingest. */
const PAUSE_MAX_MS = 20;
const VISIBLE_WITHIN_MS = 30_000;

/** Resolves once the event is acknowledged. */
interface CallSender {
  send(event: CallEvent): Promise<unknown>;
}

interface Probed {
  /** Time from the acknowledgement of each event to an answer that counts it. */
  freshMs: number[];
  /** Time of each answer. */
  pollMs: number[];
  /** Answers other than 200, each followed by a retry. */
  refused: number;
}

/** Sends one event at a time, and requests its user's dashboard without a pause until the event is counted. */
export class Probes {
  readonly #calls: CallSender;
  readonly #client: Client;
  readonly #key: string;
  #sent = 0;

  /** @param key of the user `PROBED`, who has no counted calls yet */
  private constructor(calls: CallSender, client: Client, key: string) {
    this.#calls = calls;
    this.#client = client;
    this.#key = key;
  }

  /** Opens a connection and sends one probe, because nothing is warm for the first one. */
  static async start(bench: Bench, calls: CallSender, api: NodeProcess, key: string): Promise<Probes> {
    const client = new Client(api.url);
    bench.atEnd(() => client.close());
    const probes = new Probes(calls, client, key);
    await probes.#one({ freshMs: [], pollMs: [], refused: 0 });
    return probes;
  }

  /** @throws Error if an event is not counted in time */
  async many(over: AbortSignal): Promise<Probed> {
    const probed: Probed = { freshMs: [], pollMs: [], refused: 0 };
    while (!over.aborted) {
      await sleep(Math.random() * PAUSE_MAX_MS);
      await this.#one(probed);
    }
    return probed;
  }

  async #one(probed: Probed): Promise<void> {
    this.#sent += 1;
    await this.#calls.send({
      call_id: `probe-${this.#sent}`,
      user_id: PROBED,
      started_at: new Date().toISOString(),
      duration_seconds: 60,
    });
    const acknowledgedMs = performance.now();
    for (;;) {
      const { status, text, tookMs } = await this.#client.askAnyhow(this.#key);
      probed.pollMs.push(tookMs);
      const freshMs = performance.now() - acknowledgedMs;
      if (status !== 200) probed.refused += 1;
      else if (JSON.parse(text).data.total_calls >= this.#sent) {
        probed.freshMs.push(freshMs);
        return;
      }
      if (freshMs > VISIBLE_WITHIN_MS) throw new Error(`not visible within ${VISIBLE_WITHIN_MS} ms`);
    }
  }
}
