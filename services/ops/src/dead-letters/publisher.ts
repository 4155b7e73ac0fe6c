import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import { CommandError } from '../failure.ts';

const ACKS_ALL = -1;

/** Writes messages as they are. Good until its first failure: kafkajs would reuse sequence numbers after one. */
export class Publisher {
  readonly #producer: Producer;

  private constructor(producer: Producer) {
    this.#producer = producer;
  }

  /** Connects, so that nothing is claimed while Kafka is away. @throws errors of kafkajs */
  static async open(kafka: Kafka): Promise<Publisher> {
    const choose = kafkajs.Partitioners.DefaultPartitioner();
    const producer = kafka.producer({
      idempotent: true,
      maxInFlightRequests: 1,
      allowAutoTopicCreation: false,
      // Java's choice, by the key, written down: the answer is held against it, and another attempt keeps it.
      createPartitioner: () => (args) => {
        args.message.partition ??= choose(args);
        return args.message.partition;
      },
    });
    await producer.connect();
    return new Publisher(producer);
  }

  /**
   * Resolves when every replica in sync has all messages.
   * @throws errors of kafkajs, CommandError RETRY_UNACKNOWLEDGED; then any part may have been written
   */
  async publish(topic: string, messages: Message[]): Promise<void> {
    const compression = kafkajs.CompressionTypes.GZIP;
    const places = await this.#producer.send({ topic, messages, acks: ACKS_ALL, compression });
    const answered = new Set(
      places.filter(({ baseOffset }) => Number(baseOffset ?? -1) >= 0).map(({ partition }) => partition),
    );
    // kafkajs can forget a partition whose leader moves between attempts, and succeed.
    if (!messages.every(({ partition }) => answered.has(partition!))) {
      throw new CommandError('RETRY_UNACKNOWLEDGED', `no answer for a partition of ${topic}`);
    }
  }

  async close(): Promise<void> {
    await this.#producer.disconnect().catch(() => {});
  }
}
