import kafkajs, { type Kafka, type Message, type Producer } from 'kafkajs';
import pTimeout from 'p-timeout';
import { KAFKA_RETRY } from '../kafka-config.ts';
import { CallEventProducerError, producerError } from './errors.ts';

/** Where an acknowledged event is stored: its partition, and its offset as a decimal string. */
export interface Place {
  partition: number;
  offset: string;
}

export interface Sender {
  /** Writes messages in order. @returns their places, in the same order @throws CallEventProducerError */
  send(messages: Message[]): Promise<Place[]>;
  /** Connects, unless it is connected since the last failure. @throws CallEventProducerError */
  connect(): Promise<void>;
  close(): Promise<void>;
}

/** About 10 s of attempts: enough for a new leader to be elected. The delivery timeout may end them earlier. */
const RETRY = { ...KAFKA_RETRY, retries: 8 };

/**
 * Uses one idempotent producer at a time, and replaces it after a failure: kafkajs would reuse the sequence numbers of the
 * failed batch for the next one, and a broker that did store the failed one would drop the next as a duplicate.
 */
export function createSender(kafka: Kafka, topic: string, gzip: boolean, deliveryTimeoutMs: number): Sender {
  const compression = gzip ? kafkajs.CompressionTypes.GZIP : kafkajs.CompressionTypes.None;
  let session: Session | undefined;

  /** Does one thing with the session, in limited time. The next thing gets another session if it fails. */
  async function withSession<T>(use: (session: Session) => Promise<T>): Promise<T> {
    session ??= openSession(kafka);
    const current = session;
    const using = use(current);
    try {
      return await pTimeout(using, {
        milliseconds: deliveryTimeoutMs,
        fallback: () => {
          const late = `no answer from ${topic} within ${deliveryTimeoutMs} ms`;
          throw new CallEventProducerError('PRODUCER_TIMEOUT', late, true);
        },
      });
    } catch (error) {
      if (session === current) session = undefined;
      abandon(current, using);
      throw producerError(error, topic);
    }
  }

  async function attempt({ producer, connected }: Session, messages: Message[]): Promise<Place[]> {
    await connected;
    const written = await producer.send({ topic, messages, acks: -1, compression });
    const next = new Map(written.map(({ partition, baseOffset }) => [partition, BigInt(baseOffset ?? -1)]));
    return messages.map((message) => {
      const partition = message.partition!;
      const offset = next.get(partition);
      // When a leader moves between attempts, kafkajs can forget a partition and still report success.
      if (offset === undefined || offset < 0n) {
        throw new CallEventProducerError(
          'PRODUCER_UNAVAILABLE',
          `no acknowledgement for partition ${partition} of ${topic}`,
          true,
        );
      }
      next.set(partition, offset + 1n);
      return { partition, offset: String(offset) };
    });
  }

  return {
    send: (messages) => withSession((current) => attempt(current, messages)),
    connect: () => withSession(({ connected }) => connected),
    async close() {
      const last = session;
      session = undefined;
      if (last === undefined) return;
      await last.producer.disconnect();
      // Whoever was connecting still would after that.
      abandon(last, last.connected);
    },
  };
}

/** A kafkajs producer, and whether it was abandoned. */
interface Session {
  producer: Producer;
  connected: Promise<void>;
  abandoned: boolean;
}

function openSession(kafka: Kafka): Session {
  const choose = kafkajs.Partitioners.DefaultPartitioner();
  const session = { abandoned: false };
  // The Java partitioner. It also records its choice, since a retry must not choose another partition, and offsets are
  // derived from it. kafkajs calls it before each attempt, so it can also end them.
  const createPartitioner = () => (args: Parameters<typeof choose>[0]) => {
    if (session.abandoned) throw Object.assign(new Error('the batch was abandoned'), { retriable: false });
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
  return Object.assign(session, { producer, connected: producer.connect() });
}

/** Disconnects twice, because a running attempt may reconnect after the first. */
function abandon(session: Session, sending: Promise<unknown>): void {
  session.abandoned = true;
  const disconnect = () => session.producer.disconnect().catch(() => {});
  disconnect();
  sending.then(disconnect, disconnect);
}
