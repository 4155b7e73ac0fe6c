import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type CallEvent, ensureTopics, kafkaClient } from '@calltally/contract';
import { createCallEventProducer } from '@calltally/contract/producer';
import { committedBy } from '@calltally/ops';
import type { Admin, Kafka } from 'kafkajs';
import type { Bench } from '../bench.ts';
import { kafka } from '../engines.ts';

/** Calls of a backlog: what an outage leaves, ordered by their end. */
const USERS = 1_000;
const BACKLOG_MS = 6 * 3_600_000;
const EVENTS_AT_ONCE = 5_000;

/** A new topic, with the consumer group that counts it. */
export class Topic {
  readonly name: string;
  readonly brokers: string[];
  readonly client: Kafka;
  readonly #admin: Admin;

  private constructor(name: string, brokers: string[], client: Kafka, admin: Admin) {
    this.name = name;
    this.brokers = brokers;
    this.client = client;
    this.#admin = admin;
  }

  /** @param partitions by default as many as ingest creates */
  static async create(bench: Bench, name: string, partitions?: number): Promise<Topic> {
    const brokers = [(await bench.shared(kafka)).address];
    const client = kafkaClient({ brokers, clientId: 'bench' });
    const admin = client.admin();
    await admin.connect();
    bench.atEnd(() => admin.disconnect());
    const topic = new Topic(name, brokers, client, admin);
    await ensureTopics(admin, {
      topic: name,
      dlqTopic: `${name}.dlq`,
      ...(partitions !== undefined && { partitions }),
    });
    return topic;
  }

  /** The environment in which ingest and `calltally` find it. */
  get environment(): Record<string, string> {
    return {
      KAFKA_BROKERS: this.brokers.join(),
      KAFKA_TOPIC: this.name,
      KAFKA_DLQ_TOPIC: `${this.name}.dlq`,
      KAFKA_GROUP_ID: this.name,
    };
  }

  async send(events: readonly CallEvent[]): Promise<void> {
    const producer = createCallEventProducer({ brokers: this.brokers, topic: this.name });
    for (let at = 0; at < events.length; at += EVENTS_AT_ONCE) {
      await producer.sendAll(events.slice(at, at + EVENTS_AT_ONCE));
    }
    await producer.close();
  }

  /** How many events the group has committed. */
  async committed(): Promise<number> {
    const committed = await committedBy(this.#admin, this.name, this.name);
    return [...committed.values()].reduce((sum, offset) => sum + offset, 0);
  }
}

/** Events of 1 000 users, as an outage leaves them. @param name unique among the backlogs of the run */
export function backlog(name: string, count: number): CallEvent[] {
  return eventsInOrder(name, count, () => `user-${Math.floor(Math.random() * USERS)}`);
}

/** Events of calls that ended one after another. @param name makes the ids of the calls unique */
export function eventsInOrder(name: string, count: number, userOf: (i: number) => string): CallEvent[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => ({
    call_id: `bench-${name}-${i}-${Math.random().toString(36).slice(2, 10)}`,
    user_id: userOf(i),
    started_at: new Date(now - Math.floor((1 - i / count) * BACKLOG_MS)).toISOString(),
    duration_seconds: Math.floor(Math.random() * 600_000) / 1000,
    direction: 'inbound',
    status: 'completed',
  }));
}

/** Bytes of a topic's segments, without the room that Kafka allocates for their indexes in advance. */
export function topicBytes(folder: string, topic: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.name.endsWith('.log') && new RegExp(`/${topic}-\\d+$`).test(entry.parentPath))
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}
