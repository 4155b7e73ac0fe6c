import type { UserDaySums } from '@calltally/counters';
import { type CallVersion, isDeleted } from '@calltally/domain';
import {
  type CorrectionRow,
  type OffsetVector,
  partitionId,
  rowId,
  type Source,
  type Store,
  sameSource,
} from '@calltally/store';
import { CallIds } from './call-ids.ts';
import { LedgerError } from './errors.ts';
import type { SumsAt } from './repair.ts';
import { SumsAccumulator } from './user-day-sums.ts';

/** A call event on the topic. */
export interface TopicEvent {
  offset: number;
  /** When Kafka took it, epoch ms. */
  takenAtMs: number;
  call: CallVersion;
}

interface PartitionState {
  /** Offset through which events were scanned for repeated ids. */
  scannedThrough: number;
  /** Offset through which events were added. */
  addedThrough: number;
  /** Offset through which sums were asked for. */
  summedThrough: number;
  /** Events that are added and not summed, in order. */
  waiting: TopicEvent[];
}

type PartitionEvent = TopicEvent & { partition: number };

/** What Mongo has of a call: the event that brought its row, and its corrections. */
interface Canonical {
  row: Source | undefined;
  corrections: readonly (CorrectionRow | undefined)[];
}

const ASKED_AT_ONCE = 5_000;

/**
 * Sums every user's calls from the topic, through an offset vector that moves forward.
 *
 * Mongo decides which events of a call are canonical, and what a correction takes away. It also decides whether an event
 * counts that starts after Kafka took it, because that depended on ingest's clock. So a first reading finds the *doubtful*
 * calls, which come more than once or with a revision, and a second one sums and asks Mongo for these alone. If Mongo has
 * nothing of a doubtful call, its highest revision counts; of equal ones the event that Kafka took first.
 */
export class TopicSums {
  readonly users = new SumsAccumulator();
  readonly #store: Store;
  readonly #topicEpoch: number;
  readonly #seen: CallIds;
  readonly #doubtful = new CallIds();
  readonly #partitions = new Map<number, PartitionState>();
  /** For each doubtful call without a row, the event that Kafka took first. */
  readonly #rowless = new Map<string, PartitionEvent>();
  /** Calls without a row that are summed. */
  readonly #adopted = new Set<string>();

  /** @param expected about how many events there are */
  constructor(store: Store, topicEpoch: number, expected: number) {
    this.#store = store;
    this.#topicEpoch = topicEpoch;
    this.#seen = new CallIds(expected);
  }

  /** Number of events that wait until Mongo has them. */
  get waiting(): number {
    let sum = 0;
    for (const { waiting } of this.#partitions.values()) sum += waiting.length;
    return sum;
  }

  /** Scans for doubtful ids. Events of a partition come in order; those that came before are skipped. */
  look(partition: number, events: readonly TopicEvent[]): void {
    const state = this.#partition(partition);
    for (const { offset, takenAtMs, call } of events) {
      if (offset <= state.scannedThrough) continue;
      state.scannedThrough = offset;
      const id = rowId(call);
      const isNew = this.#seen.add(id);
      if (!isNew || call.revision || isDeleted(call) || call.startedAt > takenAtMs) this.#doubtful.add(id);
    }
  }

  /** Adds events to those that wait, and scans new ones. Skips those that came before. */
  add(partition: number, events: readonly TopicEvent[]): void {
    this.look(partition, events);
    const state = this.#partition(partition);
    for (const event of events) {
      if (event.offset <= state.addedThrough) continue;
      state.addedThrough = event.offset;
      state.waiting.push(event);
    }
  }

  /**
   * Sums the waiting events through an offset vector; of doubtful calls only those that Mongo knows. If it throws, nothing
   * has changed.
   * @param through how far Mongo is stored, read before the ends of what is scanned now
   * @throws StoreError, LedgerError LEDGER_BEHIND if the sums already count further
   */
  async sumThrough(through: OffsetVector): Promise<void> {
    const due = this.#due(through);
    const canonical = await this.#canonicalOf(due.flatMap(({ events }) => events));
    for (const { partition, state, events, until } of due) {
      state.waiting.splice(0, events.length);
      state.summedThrough = until;
      for (const event of events) this.#sumIfCanonical({ ...event, partition }, canonical);
    }
  }

  /**
   * Users' sums through an offset vector.
   * @param through see `sumThrough`; everything below the ends must have been added
   * @throws StoreError, LedgerError
   */
  async at(userIds: readonly string[], through: OffsetVector): Promise<UserDaySums[]> {
    await this.sumThrough(through);
    this.#adopt();
    return userIds.map((userId) => this.users.of(userId));
  }

  #partition(partition: number): PartitionState {
    let state = this.#partitions.get(partition);
    if (state === undefined) {
      state = { scannedThrough: -1, addedThrough: -1, summedThrough: -1, waiting: [] };
      this.#partitions.set(partition, state);
    }
    return state;
  }

  #due(through: OffsetVector) {
    return [...this.#partitions].map(([partition, state]) => {
      const until = through.get(partitionId(this.#topicEpoch, partition)) ?? -1;
      // A primary that was just elected may tell an older state for a moment.
      if (until < state.summedThrough) throw new LedgerError('LEDGER_BEHIND', 'Mongo tells less than it did');
      const beyond = state.waiting.findIndex(({ offset }) => offset > until);
      return {
        partition,
        state,
        until,
        events: beyond < 0 ? [...state.waiting] : state.waiting.slice(0, beyond),
      };
    });
  }

  /** What Mongo has of each doubtful call among the events, by the id of its row. */
  async #canonicalOf(events: readonly TopicEvent[]): Promise<Map<string, Canonical>> {
    const ids = [...new Set(events.map(({ call }) => rowId(call)))].filter((id) => this.#doubtful.has(id));
    const canonical = new Map<string, Canonical>();
    const { calls, corrections } = this.#store;
    for (let at = 0; at < ids.length; at += ASKED_AT_ONCE) {
      const some = ids.slice(at, at + ASKED_AT_ONCE);
      const [rows, chains] = await Promise.all([calls.find(some), corrections.of(some)]);
      for (const id of some) {
        const chain = chains.get(id)!;
        canonical.set(id, { row: rows.get(id)?.source ?? chain[0]?.replaces, corrections: chain });
      }
    }
    return canonical;
  }

  /** @param canonical of calls that were doubtful when Mongo was asked; calls that became doubtful since are summed */
  #sumIfCanonical(event: PartitionEvent, canonical: ReadonlyMap<string, Canonical>): void {
    const { call, partition, offset, takenAtMs } = event;
    const id = rowId(call);
    const own = { stream: this.#topicEpoch, partition, offset };
    const { row, corrections } = canonical.get(id) ?? { row: own, corrections: [] };
    if (row !== undefined) {
      const correction = corrections.find((one) => one !== undefined && sameSource(one.source, own));
      if (sameSource(row, own)) this.#sum(event);
      else if (correction !== undefined) {
        this.users.addCorrection(correction, partitionId(own.stream, partition));
      }
    } else if (isDeleted(call) || call.startedAt <= takenAtMs) {
      const first = this.#rowless.get(id);
      if (first === undefined || isBefore(event, first)) this.#rowless.set(id, event);
    }
  }

  /** Sums doubtful calls without a row, except those that also wait, because ingest is about to count them. */
  #adopt(): void {
    if (this.#rowless.size === 0) return;
    for (const { waiting } of this.#partitions.values()) {
      for (const { call } of waiting) this.#rowless.delete(rowId(call));
    }
    for (const [id, event] of this.#rowless) {
      if (!this.#adopted.has(id)) this.#sum(event);
      this.#adopted.add(id);
    }
    this.#rowless.clear();
  }

  #sum({ call, partition }: PartitionEvent): void {
    if (!isDeleted(call)) this.users.addCall(call, partitionId(this.#topicEpoch, partition));
  }
}

/** Whether an event of a call counts rather than another one, if Mongo has neither. */
function isBefore(a: PartitionEvent, b: PartitionEvent): boolean {
  const byRevision = (b.call.revision ?? 0) - (a.call.revision ?? 0);
  return (byRevision || a.takenAtMs - b.takenAtMs || a.partition - b.partition || a.offset - b.offset) < 0;
}

/**
 * Sums to fill users with in a rebuild from Kafka: `stored` (S) was read before, now the topic is read through its present
 * ends (E), and then the sums are those through S.
 *
 * These are exactly the canonical events at or below S. Take an event e at or below S. Before S was read, its row was
 * inserted, or another event's row was found. The event c that the row names was on the topic by then, so it lies below E
 * and was scanned. If c is another event than e, both have the call's id, so it is doubtful and Mongo is asked. If no
 * other event below E has the id, c is e. Later events change nothing at or below S, because the row stands, and the
 * corrections that lie at or below S were inserted before S was read. Without reading through E, c might lie in a partition
 * whose `stored` is not raised yet: then e would count here, and ingest would count c.
 *
 * @param readOn resolves when everything is added that the topic held when it was called
 */
export function sumsOfTopic(sums: TopicSums, readOn: () => Promise<void>): SumsAt {
  return async (userIds, stored) => {
    await readOn();
    return sums.at(userIds, stored);
  };
}
