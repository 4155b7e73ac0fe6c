import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
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

/** Some 10 s of attempts: outlasts the fall of a leader. The delivery timeout may end them earlier. */
const RETRY = { ...KAFKA_RETRY, retries: 8 };

/**
 * One idempotent producer at a time. After a failure it is thrown away: kafkajs would give its
 * sequence numbers to the next batch, and a broker that did store the failed one would take that
 * for a repetition and drop it in silence.
 */
export function createSender(kafka: Kafka, topic: string, gzip: boolean, deliveryTimeoutMs: number): Sender {
  const compression = gzip ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
  let session: Session | undefined;

  async function attempt({ producer }: Session, fresh: boolean, messages: Message[]): Promise<Place[]> {
    if (fresh) await producer.connect();
    const written = await producer.send({ topic, messages, acks: -1, compression });
    const next = new Map(written.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]));
    return messages.map((message) => {
      const partition = message.partition!;
      const offset = next.get(partition);
      // When a leader moves between attempts, kafkajs can forget a partition and still report success.
      if (offset === undefined || offset < 0n) {
        throw new CallEventProducerError(
          'PRODUCER_UNAVAILABLE',
          `no answer for partition ${partition} of ${topic}`,
          true,
        );
      }
      next.set(partition, offset + 1n);
      return { partition, offset: String(offset) };
    });
  }

  return {
    async send(messages) {
      const fresh = session === undefined;
      session ??= openSession(kafka);
      const current = session;
      const sending = attempt(current, fresh, messages);
      try {
        return await withinMs(sending, deliveryTimeoutMs, topic);
      } catch (error) {
        session = undefined;
        abandon(current, sending);
        throw producerError(error, topic);
      }
    },
    async close() {
      const last = session;
      session = undefined;
      await last?.producer.disconnect();
    },
  };
}

/** A kafkajs producer and whether it was given up. */
interface Session {
  producer: Producer;
  over: boolean;
}

function openSession(kafka: Kafka): Session {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  const session = { over: false };
  // Java's partitioner, which also writes its choice down: a retry must not choose anew, and the
  // offsets are counted by it. kafkajs asks it before each attempt, so it can also end them.
  const createPartitioner = () => (args: Parameters<typeof choose>[0]) => {
    if (session.over) throw Object.assign(new Error('the batch was given up'), { retriable: false });
    args.message.partition ??= choose(args);
    return args.message.partition;
  };
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner,
    retry: RETRY,
  });
  return Object.assign(session, { producer });
}

/** Disconnects twice, because an attempt that is still under way may connect again after the first. */
function abandon(session: Session, sending: Promise<unknown>): void {
  session.over = true;
  const disconnect = () => session.producer.disconnect().catch(() => {});
  disconnect();
  sending.then(disconnect, disconnect);
}

async function withinMs<T>(work: Promise<T>, timeoutMs: number, topic: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new CallEventProducerError(
      'PRODUCER_TIMEOUT',
      `no acknowledgement from ${topic} in ${timeoutMs} ms`,
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
