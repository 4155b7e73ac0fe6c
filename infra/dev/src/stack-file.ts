import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { writePrivate } from './private-file.ts';

/** `.calltally/stack.json`: what runs, with addresses as the variables of services take them. */
export interface StackDescription {
  api: string;
  ingest: string;
  /** `KAFKA_BROKERS` */
  kafka: string;
  /** `KAFKA_TOPIC` */
  topic: string;
  /** `REDIS_URL` */
  redis: string;
  /** `MONGODB_URI`, with its database */
  mongo: string;
  /** Process ids; null while one is down, and for an engine that somebody else runs. */
  pids: Record<'api' | 'ingest' | 'kafka' | 'redis' | 'mongo', number | null>;
  /** Null without demo data. */
  demo: { user_id: string; api_key: string } | null;
  /** The process that keeps all this running; the file means nothing without it. */
  supervisor: number;
}

const POLL_MS = 100;

/** Keeps the file true: looks again every moment, and writes when something has changed. */
export class StackFile {
  readonly #file: string;
  readonly #describe: () => StackDescription;
  readonly #stopping = new AbortController();
  #written = '';
  #running: Promise<void> = Promise.resolve();

  constructor(file: string, describe: () => StackDescription) {
    this.#file = file;
    this.#describe = describe;
  }

  /** Resolves when the file is there. */
  async start(): Promise<void> {
    await this.#write();
    this.#running = this.#watch();
  }

  /** Removes the file. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await rm(this.#file, { force: true });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      // A disk that is full for a while must not end what runs; the next look tries again.
      if (!signal.aborted) await this.#write().catch(() => {});
    }
  }

  async #write(): Promise<void> {
    const text = `${JSON.stringify(this.#describe(), null, 2)}\n`;
    if (text === this.#written) return;
    await writePrivate(this.#file, text);
    this.#written = text;
  }
}
