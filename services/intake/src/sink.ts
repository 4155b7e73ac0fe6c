import type { KafkaClientOptions } from '@calltally/contract';
import {
  CallEventProducerError,
  createEventWriter,
  type EventMessage,
  type EventWriter,
} from '@calltally/contract/producer';
import { inSendSpan } from '@calltally/telemetry';
import { IntakeError } from './intake-error.ts';

/**
 * Short, because platforms wait for an answer for 10 seconds or so: a message is acknowledged or has failed after at most
 * twice this.
 */
const DELIVERY_TIMEOUT_MS = 4_000;
/** Enough for others to join, and little of what a call waits for. */
const LINGER_MS = 1;
/** The byte budgets of requests bound memory. This only keeps the queue from being a second bound. */
const BUFFERED_MAX = 200_000;
const BUFFERED_BYTES_MAX = 256 * 1024 * 1024;

/** What a request leaves behind: call events, and payloads that cannot be one. */
export interface Left {
  events: readonly EventMessage[];
  letters?: readonly EventMessage[];
}

interface TopicWriter {
  topic: string;
  writer: EventWriter;
}

/** The topic of call events and that of dead letters. */
export class Sink {
  readonly #events: TopicWriter;
  readonly #letters: TopicWriter;

  constructor(kafka: Omit<KafkaClientOptions, 'clientId'> & { topic: string; dlqTopic: string }) {
    const { topic, dlqTopic, ...client } = kafka;
    const writer = (name: string) => ({
      topic: name,
      writer: createEventWriter({
        ...client,
        topic: name,
        clientId: 'calltally-intake',
        deliveryTimeoutMs: DELIVERY_TIMEOUT_MS,
        lingerMs: LINGER_MS,
        maxBuffered: BUFFERED_MAX,
        maxBufferedBytes: BUFFERED_BYTES_MAX,
      }),
    });
    this.#events = writer(topic);
    this.#letters = writer(dlqTopic);
  }

  /**
   * Resolves once all in-sync replicas have everything.
   * @throws IntakeError NOT_STORED; some of it may be stored then
   */
  async write({ events, letters = [] }: Left): Promise<void> {
    try {
      await Promise.all([
        events.length > 0 && write(this.#events, events),
        letters.length > 0 && write(this.#letters, letters),
      ]);
    } catch (cause) {
      if (cause instanceof CallEventProducerError) throw new IntakeError('NOT_STORED', { cause });
      throw cause;
    }
  }

  /** Whether events can be written, for a probe. @throws CallEventProducerError why not */
  async ping(): Promise<void> {
    await this.#events.writer.connect();
  }

  /** Waits for what is under way. */
  async close(): Promise<void> {
    await Promise.all([this.#events.writer.close(), this.#letters.writer.close()]);
  }
}

/** Writes messages, with the trace that they are part of. */
function write({ topic, writer }: TopicWriter, messages: readonly EventMessage[]): Promise<unknown> {
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.operation.name': 'send',
    'messaging.operation.type': 'send',
    'messaging.destination.name': topic,
    'messaging.batch.message_count': messages.length,
  };
  return inSendSpan(`send ${topic}`, attributes, (trace) =>
    writer.write(
      trace ? messages.map((one) => ({ ...one, headers: { ...one.headers, ...trace } })) : messages,
    ),
  );
}
