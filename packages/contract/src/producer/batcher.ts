import type { Message } from 'kafkajs';
import { BufferLimit } from './buffer-limit.ts';
import { CallEventProducerError } from './errors.ts';
import type { Place, Sender } from './sender.ts';

export interface BatcherOptions {
  /** How long the first message of a batch waits for others. */
  lingerMs: number;
  /** Messages in a batch. */
  maxBatch: number;
  /** Bytes in a batch; a larger message is sent alone. */
  maxBatchBytes: number;
  /** Messages that are queued or being sent; `add` waits beyond that. */
  maxBuffered: number;
  /** Bytes that are queued or being sent, likewise. */
  maxBufferedBytes: number;
  /** How long a message waits for room in the buffer, and then in the queue. */
  deliveryTimeoutMs: number;
}

interface Entry {
  message: Message;
  bytes: number;
  queuedAtMs: number;
  resolve: (place: Place) => void;
  reject: (error: unknown) => void;
}

/**
 * Collects messages into batches and sends one batch at a time, so that the messages of a key keep their order. A failed
 * batch fails only its own messages.
 */
export class Batcher {
  readonly #sender: Sender;
  readonly #options: BatcherOptions;
  readonly #buffer: BufferLimit;
  readonly #pending = new Set<Promise<Place>>();
  #queue: Entry[] = [];
  #running = false;
  #flushes = 0;
  #wake: () => void = () => {};

  constructor(sender: Sender, options: BatcherOptions) {
    this.#sender = sender;
    this.#options = options;
    this.#buffer = new BufferLimit({ events: options.maxBuffered, bytes: options.maxBufferedBytes });
  }

  /** @returns where the message is stored, once Kafka has acknowledged it @throws CallEventProducerError */
  add(message: Message, bytes: number): Promise<Place> {
    const { deliveryTimeoutMs, maxBuffered, maxBufferedBytes } = this.#options;
    const result = new Promise<Place>((resolve, reject) => {
      const enter = () => this.#enqueue({ message, bytes, queuedAtMs: performance.now(), resolve, reject });
      const buffer = `the buffer of ${maxBuffered} events and ${maxBufferedBytes} bytes`;
      const full = `${buffer} stayed full for ${deliveryTimeoutMs} ms; send fewer events at once`;
      const giveUp = () => reject(new CallEventProducerError('PRODUCER_BUFFER_FULL', full, true));
      this.#buffer.take(bytes, deliveryTimeoutMs, enter, giveUp);
    });
    const forget = () => this.#pending.delete(result);
    this.#pending.add(result);
    result.then(forget, forget);
    return result;
  }

  /** Sends without lingering, and waits until every message added so far is acknowledged or has failed. */
  async flush(): Promise<void> {
    this.#flushes++;
    this.#wake();
    await Promise.allSettled(this.#pending);
    this.#flushes--;
  }

  #enqueue(entry: Entry): void {
    this.#queue.push(entry);
    if (this.#queue.length >= this.#options.maxBatch) this.#wake();
    if (!this.#running) this.#run();
  }

  async #run(): Promise<void> {
    this.#running = true;
    while (this.#queue.length > 0) {
      await this.#linger();
      await this.#deliver(this.#next());
    }
    this.#running = false;
  }

  #linger(): Promise<void> | undefined {
    const { lingerMs, maxBatch } = this.#options;
    const waitMs = this.#queue[0]!.queuedAtMs + lingerMs - performance.now();
    if (waitMs <= 0 || this.#flushes > 0 || this.#queue.length >= maxBatch) return undefined;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #next(): Entry[] {
    const { maxBatch, maxBatchBytes } = this.#options;
    let count = 0;
    let bytes = 0;
    for (const entry of this.#queue) {
      bytes += entry.bytes;
      if (count === maxBatch || (count > 0 && bytes > maxBatchBytes)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #deliver(batch: Entry[]): Promise<void> {
    const { deliveryTimeoutMs } = this.#options;
    const expiredAtMs = performance.now() - deliveryTimeoutMs;
    const due = batch.filter((entry) => {
      if (entry.queuedAtMs > expiredAtMs) return true;
      const late = `not sent within ${deliveryTimeoutMs} ms`;
      entry.reject(new CallEventProducerError('PRODUCER_TIMEOUT', late, true));
      return false;
    });
    try {
      const places = due.length === 0 ? [] : await this.#sender.send(due.map(({ message }) => message));
      for (const [index, entry] of due.entries()) entry.resolve(places[index]!);
    } catch (error) {
      for (const entry of due) entry.reject(error);
    } finally {
      this.#buffer.leave({ events: batch.length, bytes: batch.reduce((sum, { bytes }) => sum + bytes, 0) });
    }
  }
}
