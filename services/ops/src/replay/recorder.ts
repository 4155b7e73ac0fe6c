import { decodeCallEvent } from '@calltally/contract';
import type { Call } from '@calltally/domain';
import { restore } from '@calltally/ledger';
import type { KafkaMessage } from 'kafkajs';
import type { LedgerConnection } from '../ledger-connection.ts';

/** What became of the events of a replay. */
export interface Counts {
  read: number;
  /** Calls whose rows Mongo had lost. */
  restored: number;
  /** Calls whose rows were there. */
  already: number;
  /** Events that are no call; they are dead letters since they were first read. */
  rejected: number;
}

const CHUNK_EVENTS = 2_000;
/** Partitions wait for the stores side by side, so that reading need not wait for each answer. */
const UNDER_WAY_MAX = 4;

/** Gives messages to the ledger, those of a partition one after another. Marks nothing and commits nothing. */
export class Recorder {
  readonly counts: Counts = { read: 0, restored: 0, already: 0, rejected: 0 };
  readonly #ledger: LedgerConnection;
  readonly #stream: number;
  readonly #signal: AbortSignal;
  readonly #last = new Map<number, Promise<void>>();
  readonly #underWay = new Set<Promise<void>>();
  readonly #through = new Map<number, number>();
  #failure: { thrown: unknown } | undefined;

  constructor(ledger: LedgerConnection, stream: number, signal: AbortSignal) {
    this.#ledger = ledger;
    this.#stream = stream;
    this.#signal = signal;
  }

  /**
   * Takes messages that follow those taken before in their partition. Resolves when there is room for more.
   * @throws what an earlier batch could not be recorded for
   */
  async take(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += CHUNK_EVENTS) {
      const chunk = messages.slice(at, at + CHUNK_EVENTS);
      const before = this.#last.get(partition) ?? Promise.resolve();
      const one: Promise<void> = before
        .then(() => (this.#failure || this.#signal.aborted ? undefined : this.#record(partition, chunk)))
        .catch((thrown) => {
          this.#failure ??= { thrown };
        })
        .finally(() => this.#underWay.delete(one));
      this.#last.set(partition, one);
      this.#underWay.add(one);
      while (this.#underWay.size >= UNDER_WAY_MAX) await Promise.race(this.#underWay);
      if (this.#failure) throw this.#failure.thrown;
    }
  }

  /** The last offset recorded of a partition; undefined before the first. */
  through(partition: number): number | undefined {
    return this.#through.get(partition);
  }

  /** Resolves when everything taken is recorded. @throws what could not be */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure.thrown;
  }

  async #record(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const nowMs = Date.now();
    const events: { offset: number; call: Call }[] = [];
    for (const { offset, value } of messages) {
      const { call } = decodeCallEvent(value, nowMs);
      if (call !== undefined) events.push({ offset: Number(offset), call });
    }
    const through = Number(messages.at(-1)!.offset);
    let failed = false;
    const { outcomes } = await this.#ledger.use(async (ledger) => {
      const afterFailure = failed;
      failed = true;
      return restore(ledger, { stream: this.#stream, partition, events }, afterFailure);
    }, this.#signal);
    this.#through.set(partition, through);
    const { counts } = this;
    const foreign = outcomes.filter((outcome) => outcome === 'foreign').length;
    const restored = outcomes.filter((outcome) => outcome === 'inserted').length;
    counts.read += messages.length;
    counts.restored += restored;
    counts.already += outcomes.length - restored - foreign;
    counts.rejected += messages.length - events.length + foreign;
  }
}
