import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { CommandError } from '../failure.ts';

const ACKS_ALL = -1;

/** Writes messages as they are. Good until its first failure: kafkajs would reuse sequence numbers after one. */
export class Publisher {
  readonly #producer: Producer;

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  /** @throws errors of kafkajs */
  static async open(kafka: Kafka): Promise<Publisher> {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // The partition by the key, as Java chooses it. It is kept in the message, so that another attempt chooses
      // the same one and the answer can be checked against it.
      createPartitioner: () => (args) => {
        args.message.partition ??= choose(args);
        return args.message.partition;
      },
    });
    await producer.connect();
    return new Publisher(producer);
  }

  /**
   * Resolves when all in-sync replicas have all messages.
   * @throws errors of kafkajs, CommandError RETRY_UNACKNOWLEDGED; then any part may have been written
   */
  async publish(messages: readonly { topic: string; message: Message }[]): Promise<void> {
    const answers = await this.#producer.sendBatch({
      topicMessages: messages.map(({ topic, message }) => ({ topic, messages: [message] })),
      acks: ACKS_ALL,
      compression: kafkajs.CompressionTypes.GZIP,
    });
    const acknowledged = new Set(
      answers
        .filter(({ baseOffset }) => Number(baseOffset ?? -1) >= 0)
        .map(({ topicName, partition }) => `${topicName}:${partition}`),
    );
    // kafkajs can forget a partition whose leader moves between attempts, and succeed.
    const missing = messages.find(({ topic, message }) => !acknowledged.has(`${topic}:${message.partition}`));
    if (missing !== undefined) {
      throw new CommandError('RETRY_UNACKNOWLEDGED', `no answer for a partition of ${missing.topic}`);
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => {});
  }
}
