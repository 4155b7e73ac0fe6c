import { CompressionTypes, type Kafka, type Message, Partitioners, type Producer } from 'kafkajs';
import { KAFKA_RETRY } from '../kafka.ts';
import { CallEventProducerError, producerError } from './errors.ts';

/** Where an acknowledged event rests: its partition, and its offset as a decimal string. */
export interface Place {
  partition: number;
  offset: string;
}

export interface Sender {
  /** Writes messages in order. @returns their places, in the same order @throws CallEventProducerError */
  send(messages: Message[]): Promise<Place[]>;
  close(): Promise<void>;
}

/** Some 25 s of attempts: outlasts the fall of a leader. The delivery timeout may end them earlier. */
const RETRY = { ...KAFKA_RETRY, retries: 15 };

/** Java's partitioner, which also writes its choice down: whoever retries or counts offsets must not choose anew. */
const createPartitioner = () => {
  const choose = Partitioners.DefaultPartitioner();
  return (args: Parameters<typeof choose>[0]) => {
    args.message.partition ??= choose(args);
    return args.message.partition;
  };
};

/**
 * One idempotent producer at a time. After a failure it is thrown away: kafkajs would give its
 * sequence numbers to the next batch, and a broker that did store the failed one would take that
 * for a repetition and drop it in silence.
 */
export function createSender(kafka: Kafka, topic: string, gzip: boolean, deliveryTimeoutMs: number): Sender {
  const compression = gzip ? CompressionTypes.GZIP : CompressionTypes.None;
  let producer: Producer | undefined;

  async function attempt(current: Producer, fresh: boolean, messages: Message[]): Promise<Place[]> {
    if (fresh) await current.connect();
    const written = await current.send({ topic, messages, acks: -1, compression });
    const next = new Map(written.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]));
    return messages.map((message) => {
      const partition = message.partition!;
      const offset = next.get(partition);
      if (offset === undefined || offset < 0n) {
        throw new CallEventProducerError(
          'PRODUCER_UNAVAILABLE',
          `no answer for partition ${partition}`,
          true,
        );
      }
      next.set(partition, offset + 1n);
      return { partition, offset: String(offset) };
    });
  }

  return {
    async send(messages) {
      const fresh = producer === undefined;
      producer ??= kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner,
        retry: RETRY,
      });
      const current = producer;
      const sending = attempt(current, fresh, messages);
      try {
        return await withinMs(sending, deliveryTimeoutMs);
      } catch (error) {
        producer = undefined;
        abandon(current, sending);
        throw producerError(error);
      }
    },
    async close() {
      const last = producer;
      producer = undefined;
      await last?.disconnect();
    },
  };
}

/** Twice, because an attempt that is still under way may connect again after the first. */
function abandon(producer: Producer, sending: Promise<unknown>): void {
  const disconnect = () => producer.disconnect().catch(() => {});
  disconnect();
  sending.then(disconnect, disconnect);
}

async function withinMs<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new CallEventProducerError(
      'PRODUCER_TIMEOUT',
      `no acknowledgement in ${timeoutMs} ms`,
      true,
    );
    timer = setTimeout(() => reject(error), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
