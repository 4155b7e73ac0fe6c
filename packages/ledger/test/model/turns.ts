import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

export type Engine = 'redis' | 'mongo' | 'kafka' | 'timer';

/** A command that a worker has sent and that has not taken effect yet. */
export interface Command {
  engine: Engine;
  /** Commands of one connection take effect in the order in which they were sent. */
  connection: object;
  /** Command and arguments. They distinguish two runs. */
  text: string;
  effect: () => unknown;
  answer: (reply: unknown) => void;
  fail: (error: Error) => void;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * A process as others see it: the commands it has sent, and the replies. What it does next depends on nothing else, so
 * two workers with the same replies are in the same state.
 */
export class Worker {
  readonly name: string;
  /** How far its clock is ahead of the world's; negative if it is behind. */
  clockMs = 0;
  sent: Command[] = [];
  /** Mongo's connections were cut, so the next command fails. */
  hasLostMongo = false;
  readonly #told: string[] = [];
  #digest = '';
  readonly #ids = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Sends a command. Resolves when the explorer has let it take effect. */
  ask<T>(engine: Engine, connection: object, text: string, effect: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.sent.push({
        engine,
        connection,
        text: this.named(text),
        effect,
        answer: resolve as (reply: unknown) => void,
        fail: reject,
      });
    });
  }

  /** Gives random ids names that are the same in every run. */
  named(text: string): string {
    return text.replace(UUID, (id) => {
      const name = this.#ids.get(id) ?? `${this.name}#${this.#ids.size}`;
      this.#ids.set(id, name);
      return name;
    });
  }

  told(text: string, reply: unknown): void {
    this.#told.push(text, plain(reply));
  }

  /** A digest of all commands and their replies so far. */
  history(): string {
    if (this.#told.length > 0) {
      this.#digest = createHash('md5')
        .update(this.#digest)
        .update(this.#told.splice(0).join('\n'))
        .digest('base64');
    }
    return this.#digest;
  }
}

/** The same text for the same content. Maps are written as their entries. */
export function plain(value: unknown): string {
  return JSON.stringify(value, (_, part) => (part instanceof Map ? [...part] : part)) ?? '';
}

/** Only one worker runs at a time, so whoever reads the clock or sleeps is that one. */
let running: { worker: Worker; nowMs: number } | undefined;

/** Lets a worker run. Resolves when it waits for its next reply or has ended. */
export async function goOn(worker: Worker, nowMs: number, act: () => void): Promise<void> {
  running = { worker, nowMs: nowMs + worker.clockMs };
  act();
  // By then it has done everything that needs no other reply.
  await new Promise((resolve) => setImmediate(resolve));
  running = undefined;
}

// For workers, time is the world's and a pause is a turn like any command. For everybody else both stay real.
const { now } = Date;
const sinceStart = performance.now.bind(performance);
const { setTimeout: sleep } = timers;
Date.now = () => running?.nowMs ?? now();
performance.now = () => running?.nowMs ?? sinceStart();
timers.setTimeout = ((ms: number, value: unknown, options: object) =>
  running === undefined
    ? sleep(ms, value, options)
    : running.worker.ask('timer', {}, 'pause', () => value)) as typeof sleep;
syncBuiltinESMExports();
