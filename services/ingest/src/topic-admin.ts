import type { PartitionOffsets } from '@calltally/ledger';
import type { Admin, Kafka } from 'kafkajs';

export interface Watermarks {
  /** The log start offset. */
  earliest: number;
  /** The high watermark: everything acknowledged lies below it, events of open transactions included. */
  end: number;
}

/** Asks the brokers for offsets of the topic and the group. Has its own connection, and opens another after a failure. */
export class TopicAdmin {
  readonly #kafka: Kafka;
  readonly #topic: string;
  readonly #groupId: string;
  #admin: Promise<Admin> | undefined;

  constructor(kafka: Kafka, topic: string, groupId: string) {
    this.#kafka = kafka;
    this.#topic = topic;
    this.#groupId = groupId;
  }

  /** Of every partition that the topic has now. @throws errors of kafkajs */
  async watermarks(): Promise<Map<number, Watermarks>> {
    return watermarksIn(
      await this.use((admin) => admin.fetchTopicOffsets(this.#topic, { readUncommitted: true })),
    );
  }

  /**
   * Of some partitions. Metadata cannot be had of some, so it also tells which ones the topic has now.
   * @throws errors of kafkajs
   */
  async watermarksOf(
    partitions: readonly number[],
  ): Promise<{ all: number[]; watermarks: Map<number, Watermarks> }> {
    const offsets = await this.use((admin) =>
      admin.fetchTopicOffsets(this.#topic, { readUncommitted: true, partitions }),
    );
    return { all: offsets.map(({ partition }) => partition), watermarks: watermarksIn(offsets) };
  }

  /** The last stable offset of each of these partitions. @throws errors of kafkajs */
  async lastStable(partitions: readonly number[]): Promise<Map<number, number>> {
    const offsets = await this.use((admin) => admin.fetchTopicOffsets(this.#topic, { partitions }));
    return new Map(
      offsets.flatMap(({ partition, high }) => (high === undefined ? [] : [[partition, Number(high)]])),
    );
  }

  /** Every partition of the topic with the offset that the group has committed. @throws errors of kafkajs */
  async partitions(): Promise<PartitionOffsets[]> {
    const [group] = await this.use((admin) =>
      admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] }),
    );
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    // After the committed offsets: ends only grow, so nothing is committed beyond them.
    const watermarks = await this.watermarks();
    return [...watermarks].map(([partition, { earliest, end }]) => {
      const offset = committed.get(partition) ?? -1;
      return { partition, committed: offset < 0 ? undefined : offset, earliest, end };
    });
  }

  /** Runs a request on the connection, and closes it on failure, so that the next request opens another. */
  async use<T>(request: (admin: Admin) => Promise<T>): Promise<T> {
    this.#admin ??= this.#connect();
    const connecting = this.#admin;
    try {
      return await request(await connecting);
    } catch (thrown) {
      if (this.#admin === connecting) await this.close();
      throw thrown;
    }
  }

  async close(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await admin?.then((connected) => connected.disconnect()).catch(() => {});
  }

  async #connect(): Promise<Admin> {
    const admin = this.#kafka.admin();
    await admin.connect();
    return admin;
  }
}

function watermarksIn(
  offsets: readonly { partition: number; low?: string; high?: string }[],
): Map<number, Watermarks> {
  return new Map(
    offsets.flatMap(({ partition, low, high }) =>
      low === undefined || high === undefined
        ? []
        : [[partition, { earliest: Number(low), end: Number(high) }]],
    ),
  );
}
