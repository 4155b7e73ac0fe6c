import { decodeCallEvent } from '@calltally/contract';
import type { CallVersion } from '@calltally/domain';
import { restoreBatch } from '@calltally/ledger';
import type { KafkaMessage } from 'kafkajs';
import type { LedgerConnection } from '../ledger-connection.ts';

/** What became of the events of a replay. */
export interface Counts {
  read: number;
  /** Events whose rows or corrections were missing in Mongo. */
  restored: number;
  /** Events that Mongo had. */
  already: number;
  /** Events of users who were erased since. They are left out. */
  erased: number;
  /** Events that are no call. They became dead letters when they were first read. */
  rejected: number;
}

const BATCH_EVENTS_MAX = 2_000;
/** Batches of several partitions are written at the same time, so that reading does not wait for each answer. */
const UNDER_WAY_MAX = 4;

/** Records messages in the ledger, in order within a partition. Commits nothing. */
export class Recorder {
  readonly counts: Counts = { read: 0, restored: 0, already: 0, erased: 0, rejected: 0 };
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
   * Takes the next messages of a partition. Resolves when it can take more.
   * @throws what an earlier batch failed with
   */
  async take(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    for (let at = 0; at < messages.length; at += BATCH_EVENTS_MAX) {
      const batch = messages.slice(at, at + BATCH_EVENTS_MAX);
      const before = this.#last.get(partition) ?? Promise.resolve();
      const one: Promise<void> = before
        .then(() => (this.#failure || this.#signal.aborted ? undefined : this.#record(partition, batch)))
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

  /** Resolves when everything taken is recorded. @throws what a batch failed with */
  async settle(): Promise<void> {
    await Promise.all(this.#underWay);
    if (this.#failure) throw this.#failure.thrown;
  }

  async #record(partition: number, messages: readonly KafkaMessage[]): Promise<void> {
    const nowMs = Date.now();
    const events: { offset: number; call: CallVersion }[] = [];
    for (const { offset, value } of messages) {
      const { call } = decodeCallEvent(value, nowMs);
      if (call !== undefined) events.push({ offset: Number(offset), call });
    }
    const through = Number(messages.at(-1)!.offset);
    let failed = false;
    const { outcomes } = await this.#ledger.use(async (ledger) => {
      const afterFailure = failed;
      failed = true;
      return restoreBatch(ledger, { topicEpoch: this.#stream, partition, events }, afterFailure);
    }, this.#signal);
    this.#through.set(partition, through);
    const { counts } = this;
    const restored = outcomes.filter((outcome) => outcome === 'inserted' || outcome === 'corrected').length;
    counts.read += messages.length;
    counts.restored += restored;
    const erased = outcomes.filter((outcome) => outcome === 'erased').length;
    counts.already += outcomes.length - restored - erased;
    counts.erased += erased;
    counts.rejected += messages.length - events.length;
  }
}
