import kafkajs, { type Message } from 'kafkajs';
import { messageBytes } from '../dead-letter.ts';
import { type KafkaClientOptions, kafkaConfig } from '../kafka-config.ts';
import { Batcher } from './batcher.ts';
import { CallEventProducerError } from './errors.ts';
import { createSender, type Place } from './sender.ts';

export interface DeliveryOptions {
  /** How long an event waits for others to share its request; default 5. */
  lingerMs?: number;
  /** Events per request; default 500. */
  maxBatch?: number;
  /** Events that are queued or being sent; beyond that, sending waits. Default 10 000. */
  maxBuffered?: number;
  /** Bytes of events that are queued or being sent, likewise. Default 32 MiB. */
  maxBufferedBytes?: number;
  /** An event is acknowledged or has failed after at most twice this, or three times if the buffer was full; default 30 000. */
  deliveryTimeoutMs?: number;
  /** Default `none`. */
  compression?: 'none' | 'gzip';
}

export interface EventWriterOptions extends KafkaClientOptions, DeliveryOptions {
  /** It must exist. */
  topic: string;
}

/** What is written: an encoded event with its user as the key, or a dead letter with its headers. */
export type EventMessage = Pick<Message, 'key' | 'value' | 'headers'>;

/** Writes messages that are checked and encoded already. */
export interface EventWriter {
  /**
   * Writes messages. Those of a key keep their order, within a call and between calls.
   * @returns where they are stored, in the same order, once all in-sync replicas have all of them
   * @throws CallEventProducerError the first failure, once all are acknowledged or have failed; some may be stored then
   */
  write(messages: readonly EventMessage[]): Promise<Place[]>;
  /**
   * Connects, unless it is connected since the last failure. Tells a probe whether Kafka can be written to.
   * @throws CallEventProducerError why not
   */
  connect(): Promise<void>;
  /** Waits until every message written so far is acknowledged or has failed. */
  flush(): Promise<void>;
  /** Flushes and disconnects; later writes fail with `PRODUCER_CLOSED`. May be called repeatedly. */
  close(): Promise<void>;
}

/** By default, Kafka accepts requests of up to 1 MiB. */
const BATCH_MAX_BYTES = 512 * 1024;

/** An idempotent producer that waits for all in-sync replicas. It connects with the first message. */
export function createEventWriter(options: EventWriterOptions): EventWriter {
  const { topic, brokers, clientId, ssl, sasl, log, compression = 'none' } = options;
  const { lingerMs = 5, maxBatch = 500, deliveryTimeoutMs = 30_000 } = options;
  const { maxBuffered = 10_000, maxBufferedBytes = 32 * 1024 * 1024 } = options;
  const kafka = new kafkajs.Kafka(kafkaConfig({ brokers, clientId, ssl, sasl, log }));
  const sender = createSender(kafka, topic, compression === 'gzip', deliveryTimeoutMs);
  const batcher = new Batcher(sender, {
    lingerMs,
    maxBatch,
    maxBatchBytes: BATCH_MAX_BYTES,
    maxBuffered,
    maxBufferedBytes,
    deliveryTimeoutMs,
  });
  let closing: Promise<void> | undefined;

  const assertOpen = () => {
    if (closing !== undefined) {
      throw new CallEventProducerError('PRODUCER_CLOSED', 'the producer is closed; create a new one', false);
    }
  };

  return {
    async write(messages) {
      assertOpen();
      // Copies, because the sender records their partitions.
      const added = messages.map((message) => batcher.add({ ...message }, messageBytes(message)));
      const results = await Promise.allSettled(added);
      return results.map((result) => {
        if (result.status === 'rejected') throw result.reason;
        return result.value;
      });
    },
    async connect() {
      assertOpen();
      await sender.connect();
    },
    flush: () => batcher.flush(),
    close() {
      closing ??= batcher.flush().then(() => sender.close());
      return closing;
    },
  };
}
