import type { UserDaySums } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { type OffsetVector, partitionId, type Source, type Store, sameSource } from '@calltally/store';
import { CallIds } from './call-ids.ts';
import { LedgerError } from './errors.ts';
import type { SumsAt } from './repair.ts';
import { SumsAccumulator } from './sums-accumulator.ts';

/** An event of the topic that is a call. */
export interface TopicEvent {
  offset: number;
  /** When Kafka took it, epoch ms. */
  takenAtMs: number;
  call: Call;
}

interface Partition {
  /** Everything through this offset was looked at for ids that come again. */
  looked: number;
  /** Everything through this offset was added. */
  added: number;
  /** Sums were asked for through this offset. */
  summed: number;
  /** Events that are not summed, in order. */
  waiting: TopicEvent[];
}

type Placed = TopicEvent & { partition: number };

const SOURCES_AT_ONCE = 5_000;

/**
 * Every user's calls as the topic tells them, summed through a cut that moves on.
 *
 * Which of two events of a call counts (the canonical one) is decided by Mongo, and so is whether an event that starts
 * after Kafka took it was taken for a call, since that depended on ingest's clock. So a first reading looks for such
 * `doubtful` ids; the second one sums, and asks Mongo for the sources of these alone. Where Mongo has no row of such a
 * call, the event that Kafka took first counts.
 */
export class TopicSums {
  readonly users = new SumsAccumulator();
  readonly #store: Store;
  readonly #stream: number;
  readonly #seen: CallIds;
  readonly #doubtful = new CallIds();
  readonly #partitions = new Map<number, Partition>();
  /** Of doubtful calls without a row, the event that Kafka took first. */
  readonly #rowless = new Map<string, Placed>();
  /** Calls without a row that are summed. */
  readonly #adopted = new Set<string>();

  /** @param expected about how many events there are */
  constructor(store: Store, stream: number, expected: number) {
    this.#store = store;
    this.#stream = stream;
    this.#seen = new CallIds(expected);
  }

  /** Events that wait until Mongo has them. */
  get waiting(): number {
    let sum = 0;
    for (const { waiting } of this.#partitions.values()) sum += waiting.length;
    return sum;
  }

  /** Looks for ids that come again. Events of a partition come in order; those that came before are passed over. */
  look(partition: number, events: readonly TopicEvent[]): void {
    const state = this.#partition(partition);
    for (const { offset, takenAtMs, call } of events) {
      if (offset <= state.looked) continue;
      state.looked = offset;
      const isNew = this.#seen.add(call.callId);
      if (!isNew || call.startedAt > takenAtMs) this.#doubtful.add(call.callId);
    }
  }

  /** Lets events wait to be summed, and looks at those that are new. Passes over those that came before. */
  add(partition: number, events: readonly TopicEvent[]): void {
    this.look(partition, events);
    const state = this.#partition(partition);
    for (const event of events) {
      if (event.offset <= state.added) continue;
      state.added = event.offset;
      state.waiting.push(event);
    }
  }

  /**
   * Sums what waits at or below a cut; of doubtful calls only those that Mongo knows. Nothing has changed when it throws.
   * @param through `stored`, as it was before everything that is looked at now ended
   * @throws StoreError, LedgerError LEDGER_BEHIND when the sums count further than the cut
   */
  async sumThrough(through: OffsetVector): Promise<void> {
    const due = this.#due(through);
    const sources = await this.#sourcesOf(due.flatMap(({ events }) => events));
    for (const { partition, state, events, until } of due) {
      state.waiting.splice(0, events.length);
      state.summed = until;
      for (const event of events) this.#judge({ ...event, partition }, sources);
    }
  }

  /**
   * Sums of users through a cut.
   * @param through see `sumThrough`; everything below the ends must have been added
   * @throws StoreError, LedgerError
   */
  async at(userIds: readonly string[], through: OffsetVector): Promise<UserDaySums[]> {
    await this.sumThrough(through);
    this.#adopt();
    return userIds.map((userId) => this.users.of(userId));
  }

  #partition(partition: number): Partition {
    let state = this.#partitions.get(partition);
    if (state === undefined) {
      state = { looked: -1, added: -1, summed: -1, waiting: [] };
      this.#partitions.set(partition, state);
    }
    return state;
  }

  #due(through: OffsetVector) {
    return [...this.#partitions].map(([partition, state]) => {
      const until = through.get(partitionId(this.#stream, partition)) ?? -1;
      // A primary that was just elected may tell an older one for a moment.
      if (until < state.summed) throw new LedgerError('LEDGER_BEHIND', 'Mongo tells less than it did');
      const beyond = state.waiting.findIndex(({ offset }) => offset > until);
      return {
        partition,
        state,
        until,
        events: beyond < 0 ? [...state.waiting] : state.waiting.slice(0, beyond),
      };
    });
  }

  /** For each doubtful call among events the place that its row names; undefined without a row. */
  async #sourcesOf(events: readonly TopicEvent[]): Promise<Map<string, Source | undefined>> {
    const ids = [...new Set(events.map(({ call }) => call.callId))].filter((id) => this.#doubtful.has(id));
    const sources = new Map<string, Source | undefined>();
    for (let at = 0; at < ids.length; at += SOURCES_AT_ONCE) {
      const some = ids.slice(at, at + SOURCES_AT_ONCE);
      const found = await this.#store.calls.sourcesOf(some);
      for (const callId of some) sources.set(callId, found.get(callId));
    }
    return sources;
  }

  /** @param sources of calls that were doubtful when they were asked for; those that became so since are not */
  #judge(event: Placed, sources: ReadonlyMap<string, Source | undefined>): void {
    const { call, partition, offset, takenAtMs } = event;
    const source = sources.get(call.callId);
    if (!sources.has(call.callId)) this.#sum(event);
    else if (source !== undefined) {
      if (sameSource(source, { stream: this.#stream, partition, offset })) this.#sum(event);
    } else if (call.startedAt <= takenAtMs) {
      const first = this.#rowless.get(call.callId);
      if (first === undefined || isTakenBefore(event, first)) this.#rowless.set(call.callId, event);
    }
  }

  /** Sums doubtful calls without a row; one that also waits is left, since ingest is about to count it. */
  #adopt(): void {
    if (this.#rowless.size === 0) return;
    for (const { waiting } of this.#partitions.values()) {
      for (const { call } of waiting) this.#rowless.delete(call.callId);
    }
    for (const [callId, event] of this.#rowless) {
      if (!this.#adopted.has(callId)) this.#sum(event);
      this.#adopted.add(callId);
    }
    this.#rowless.clear();
  }

  #sum({ call, partition }: Placed): void {
    this.users.add(call, partitionId(this.#stream, partition));
  }
}

function isTakenBefore(a: Placed, b: Placed): boolean {
  return (a.takenAtMs - b.takenAtMs || a.partition - b.partition || a.offset - b.offset) < 0;
}

/**
 * What users are filled with where the topic is the witness: `stored` (the cut S) has been read, now everything is
 * read that the topic holds (through its ends E), and then the sums are those through S.
 *
 * Why these are exactly the canonical events at or below S: an event e at or below S had its row inserted, or found
 * another event's row, before S was read. The event c that the row names was on the topic by then, so it lies below E
 * and was looked at. Where c is another one than e, both have the call's id; so e is doubtful, and Mongo is asked. Where
 * no other event below E has the id, c is e. Nothing that comes later changes this, since the first row stands. Without
 * reading through E, c might lie in a partition whose `stored` is not raised yet: e would count, and ingest counts c.
 *
 * @param readOn resolves when everything is added that the topic held when it was called
 */
export function sumsOfTopic(sums: TopicSums, readOn: () => Promise<void>): SumsAt {
  return async (userIds, stored) => {
    await readOn();
    return sums.at(userIds, stored);
  };
}
