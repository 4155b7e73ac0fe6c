import { setTimeout as sleep } from 'node:timers/promises';
import { type CallEvent, encodeCallEvent, kafkaClient } from '@calltally/contract';
import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import type { CounterSessionOptions } from '@calltally/counters';
import { committedBy } from '@calltally/ops';
import { uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import type { Kafka, Message } from 'kafkajs';
import { ask } from './dashboard.ts';
import { whileConnected } from './engines.ts';
import { type Sample, samplesOf } from './metrics.ts';
import type { Service } from './service.ts';

/** Characters of the log that an error shows. */
const LOG_SHOWN = 4_000;

/** Calltally as it runs, on a topic and a database of its own. What it runs on is up to the kind of deployment. */
export abstract class Deployment {
  readonly topic = uniqueName('calls');
  readonly dlqTopic = `${this.topic}.dlq`;
  readonly groupId = `${this.topic}-ingest`;
  readonly mongoUri: string;
  readonly store: Store;
  readonly producer: CallEventProducer;
  protected readonly kafkaClient: Kafka;
  readonly #brokers: string;

  /** @param at addresses in the format of `KAFKA_BROKERS`, and of `MONGODB_URI` without a database */
  constructor(at: { kafka: string; mongo: string }) {
    const brokers = at.kafka.split(',');
    this.#brokers = at.kafka;
    this.mongoUri = `${at.mongo}/${this.topic.replaceAll('-', '_')}`;
    this.store = openStore({ uri: this.mongoUri, timeoutMs: 30_000, selectionTimeoutMs: 10_000 });
    this.kafkaClient = kafkaClient({ brokers, clientId: 'calltally-e2e' });
    this.producer = createCallEventProducer({ brokers, topic: this.topic });
  }

  abstract readonly ingests: readonly Service[];
  abstract readonly apis: readonly Service[];
  /** Where dashboards are asked for. */
  abstract get api(): { readonly url: string };
  abstract get counters(): Pick<CounterSessionOptions, 'url' | 'clusterNodes'>;

  get services(): Service[] {
    return [...this.apis, ...this.ingests];
  }

  /** Settings of every process, without those of Redis. */
  protected get env(): Record<string, string> {
    return {
      KAFKA_BROKERS: this.#brokers,
      KAFKA_TOPIC: this.topic,
      KAFKA_DLQ_TOPIC: this.dlqTopic,
      KAFKA_GROUP_ID: this.groupId,
      MONGODB_URI: this.mongoUri,
    };
  }

  /** Creates an API key of a user. */
  async key(userId: string): Promise<string> {
    return (await this.store.apiKeys.create({ userId })).apiKey;
  }

  /** Writes events as another client might: with its own choice of message key, and every other one as a CloudEvent. */
  async sendUnderKey(key: string, events: readonly CallEvent[]): Promise<void> {
    const values = events.map((event, i) =>
      i % 2 === 0 ? encodeCallEvent(event) : JSON.stringify({ specversion: '1.0', data: event }),
    );
    await this.sendMessages(values.map((value) => ({ key, value })));
  }

  /** Writes messages unchanged. */
  async sendMessages(messages: Message[]): Promise<void> {
    if (messages.length === 0) return;
    await whileConnected(this.kafkaClient.producer(), (producer) =>
      producer.send({ topic: this.topic, messages, acks: -1 }),
    );
  }

  /** Resolves when the consumer group has committed everything that is on the topic now. */
  async untilRead(withinMs = 180_000): Promise<void> {
    await whileConnected(this.kafkaClient.admin(), async (admin) => {
      const ends = await admin.fetchTopicOffsets(this.topic);
      for (const end = Date.now() + withinMs; ; await sleep(100)) {
        const committed = await committedBy(admin, this.groupId, this.topic);
        const behind = ends.filter(({ partition, high }) => (committed.get(partition) ?? 0) < Number(high));
        if (behind.length === 0) return;
        if (Date.now() <= end) continue;
        const logs = this.ingests.map(({ log }) => log.slice(-LOG_SHOWN)).join('\n');
        throw new Error(
          `not read within ${withinMs} ms: ${JSON.stringify({ behind, committed: [...committed] })}\n${logs}`,
        );
      }
    });
  }

  /**
   * Resolves when counters answer a user, and count everything that was acknowledged before this call.
   * @param apiKey of any user, because all share one as-of
   */
  async untilCaughtUp(apiKey: string, withinMs = 180_000): Promise<void> {
    const sinceMs = Date.now();
    for (const end = sinceMs + withinMs; ; await sleep(100)) {
      const answer = await ask(this.api.url, apiKey).catch(() => undefined);
      const asOfMs = new Date(answer?.asOf ?? 0).getTime();
      if (answer?.source?.startsWith('counters') && asOfMs >= sinceMs) return;
      if (Date.now() > end) {
        throw new Error(`not caught up within ${withinMs} ms: ${JSON.stringify(answer)}, since ${sinceMs}`);
      }
    }
  }

  /** Ids of the members of the consumer group. */
  async groupMembers(): Promise<string[]> {
    return whileConnected(this.kafkaClient.admin(), async (admin) => {
      const { groups } = await admin.describeGroups([this.groupId]);
      return groups[0]!.members.map(({ memberId }) => memberId);
    });
  }

  /** Samples of a metric from all ingest processes. */
  async metric(name: string): Promise<Sample[]> {
    const pages = await Promise.all(
      this.ingests.map(async ({ url }) => (await fetch(`${url}/metrics`)).text().catch(() => '')),
    );
    return pages.flatMap((page) => samplesOf(page, name));
  }

  /** The sum of a metric's samples from all ingest processes. */
  async total(name: string): Promise<number> {
    return (await this.metric(name)).reduce((sum, { value }) => sum + value, 0);
  }

  /** Ends its processes and connections. */
  async end(): Promise<void> {
    await Promise.all(this.services.map((service) => service.end('SIGKILL')));
    await Promise.race([this.producer.close(), new Promise((resolve) => setTimeout(resolve, 2_000))]).catch(
      () => {},
    );
    await this.store.close();
  }
}
