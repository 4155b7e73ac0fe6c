import type { PartitionOffsets } from '@calltally/ledger';
import type { Admin, Kafka } from 'kafkajs';

/** Offsets of one partition as the broker tells them. */
export interface Watermarks {
  earliest: number;
  /** The high watermark: what was acknowledged lies below it, in transactions that are still open too. */
  end: number;
}

/** Asks the brokers about the topic and the group's offsets, by a connection of its own that is made anew after a fault. */
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

  /** First and next offset of every partition that there is now. @throws kafkajs errors */
  async watermarks(): Promise<Map<number, Watermarks>> {
    const offsets = await this.use((admin) =>
      admin.fetchTopicOffsets(this.#topic, { readUncommitted: true }),
    );
    return new Map(
      offsets.map(({ partition, low, high }) => [partition, { earliest: Number(low), end: Number(high) }]),
    );
  }

  /** For each partition its last stable offset: where the first open transaction begins, else the end. @throws kafkajs errors */
  async lastStable(): Promise<Map<number, number>> {
    const offsets = await this.use((admin) => admin.fetchTopicOffsets(this.#topic));
    return new Map(offsets.map(({ partition, high }) => [partition, Number(high)]));
  }

  /** Every partition of the topic with what the consumer group has committed. @throws kafkajs errors */
  async partitions(): Promise<PartitionOffsets[]> {
    const [group] = await this.use((admin) =>
      admin.fetchOffsets({ groupId: this.#groupId, topics: [this.#topic] }),
    );
    const committed = new Map(group?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    // After the committed offsets, since the end only grows: nothing is committed beyond it.
    const watermarks = await this.watermarks();
    return [...watermarks].map(([partition, { earliest, end }]) => {
      const offset = committed.get(partition) ?? -1;
      return { partition, committed: offset < 0 ? undefined : offset, earliest, end };
    });
  }

  /** Runs a request on the admin connection; a fault closes it, so that the next request begins with a fresh one. */
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
