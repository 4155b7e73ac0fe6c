import { decodeCallEvent } from '@calltally/contract';
import type { TopicEvent, TopicSums } from '@calltally/ledger';
import type { Admin, Kafka, KafkaMessage } from 'kafkajs';
import { CommandError } from '../failure.ts';
import type { OffsetRange } from '../reading/cursor.ts';
import { IDLE_MAX_MS } from '../reading/idle-watchdog.ts';
import { topicSilent } from '../reading/read-offset-ranges.ts';
import { readWithRetries } from '../reading/read-with-retries.ts';
import { lost, requireMemory } from './witness.ts';

/** For each partition the offset of the next event. */
export type Ends = ReadonlyMap<number, number>;

interface Parts {
  kafka: Kafka;
  admin: Admin;
  topic: string;
  groupId: string;
  sums: TopicSums;
  /** Whether an event is of a user who was erased. */
  isErased: (partition: number, event: TopicEvent) => boolean;
  /**
   * Adds up waiting events, through an offset vector older than the ends of both readings. Retries while Mongo is away.
   */
  sumUp: () => Promise<void>;
  /** @param offsets how many are read, by both readings together */
  onProgress: (offsets: number) => void;
  signal: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;

/**
 * Reads the topic twice: first to find ids that occur again, then into the sums. The second reading goes on until
 * closed.
 */
export class TopicReader {
  readonly #parts: Parts;
  readonly #ending = new AbortController();
  readonly #signal: AbortSignal;
  /** Everything below is in the sums, or waits to be added. */
  readonly #next = new Map<number, number>();
  #following: Promise<void> = Promise.resolve();
  #failure: { thrown: unknown } | undefined;
  #heardAtMs = 0;
  #wake = () => {};

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#signal = AbortSignal.any([parts.signal, this.#ending.signal]);
  }

  /** @throws CommandError TOPIC_INCOMPLETE, TOPIC_CHANGED, TOPIC_SILENT; StoreError, AbortError, errors of kafkajs */
  async readTwice(): Promise<void> {
    const ends = await this.#ends();
    await this.#look(ends);
    this.#signal.throwIfAborted();
    const all = sumOf(ends.values());
    for (const partition of ends.keys()) this.#next.set(partition, 0);
    this.#following = this.#follow(async () => {
      if (this.#isReadTo(ends)) return;
      await this.#parts.sumUp();
      this.#parts.onProgress(all + sumOf([...ends].map(([one, end]) => Math.min(end, this.#next.get(one)!))));
    }).catch((thrown) => this.#fail(thrown));
    await this.#reach(ends);
  }

  /** Resolves when everything is added that the topic holds now. @throws what `readTwice` throws */
  async readOn(): Promise<void> {
    await this.#reach(await this.#ends());
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#following;
  }

  #fail(thrown: unknown): void {
    this.#failure ??= { thrown };
    this.#wake();
  }

  /** After retention has overtaken the reader, the topic is no longer complete. */
  readonly #onExpired = ({ partition, until }: OffsetRange): void =>
    this.#fail(lost([{ partition, earliest: until }]));

  async #look(ends: Ends): Promise<void> {
    const { kafka, topic, groupId, sums, onProgress } = this.#parts;
    const looked = new Map<number, number>();
    await readWithRetries(kafka, {
      topic,
      groupId,
      ranges: [...ends].map(([partition, until]) => ({ partition, from: 0, until })),
      take: async (partition, messages) => {
        sums.look(partition, this.#eventsOf(partition, messages));
        looked.set(partition, Number(messages.at(-1)!.offset));
        return this.#failure === undefined;
      },
      through: (partition) => looked.get(partition),
      onProgress,
      onExpired: this.#onExpired,
      signal: this.#signal,
    });
    if (this.#failure) throw this.#failure.thrown;
  }

  async #follow(added: () => Promise<void>): Promise<void> {
    const { kafka, topic, groupId, sums } = this.#parts;
    await readWithRetries(kafka, {
      topic,
      groupId,
      ranges: [...this.#next.keys()].map((partition) => ({
        partition,
        from: 0,
        until: Number.POSITIVE_INFINITY,
      })),
      take: async (partition, messages) => {
        sums.add(partition, this.#eventsOf(partition, messages));
        requireMemory({ users: sums.users.size, userDays: sums.users.days, waiting: sums.waiting });
        await added();
        return true;
      },
      onExpired: this.#onExpired,
      through: (partition) => this.#next.get(partition)! - 1,
      onSettled: (_, partition, next) => {
        this.#next.set(partition, next);
        this.#heardAtMs = performance.now();
        this.#wake();
      },
      signal: this.#signal,
    });
  }

  async #reach(ends: Ends): Promise<void> {
    this.#heardAtMs = performance.now();
    for (;;) {
      if (this.#failure) throw this.#failure.thrown;
      if (this.#isReadTo(ends)) return;
      this.#signal.throwIfAborted();
      if (performance.now() - this.#heardAtMs > IDLE_MAX_MS) throw topicSilent(this.#parts.topic);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_EVERY_MS);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  #eventsOf(partition: number, messages: readonly KafkaMessage[]): TopicEvent[] {
    return eventsOf(messages).filter((event) => !this.#parts.isErased(partition, event));
  }

  #isReadTo(ends: Ends): boolean {
    return [...ends].every(([partition, end]) => end <= this.#next.get(partition)!);
  }

  async #ends(): Promise<Ends> {
    const offsets = await this.#parts.admin.fetchTopicOffsets(this.#parts.topic);
    const ends = new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
    const gone = offsets
      .map(({ partition, low }) => ({ partition, earliest: Number(low) }))
      .filter(({ partition, earliest }) => earliest > (this.#next.get(partition) ?? 0));
    if (gone.length > 0) throw lost(gone);
    if (this.#next.size > 0 && [...ends.keys()].some((partition) => !this.#next.has(partition))) {
      throw new CommandError('TOPIC_CHANGED', 'partitions were added to the topic; run the command again');
    }
    return ends;
  }
}

/** All events that ingest may have counted. One that was too far ahead of its clock has no row. */
function eventsOf(messages: readonly KafkaMessage[]): TopicEvent[] {
  return messages.flatMap(({ offset, timestamp, value }) => {
    const { call } = decodeCallEvent(value, Number.POSITIVE_INFINITY);
    return call === undefined ? [] : [{ offset: Number(offset), takenAtMs: Number(timestamp), call }];
  });
}

function sumOf(values: Iterable<number>): number {
  return [...values].reduce((sum, value) => sum + value, 0);
}
