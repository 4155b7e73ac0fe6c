import { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import timers from 'node:timers/promises';

export type Engine = 'redis' | 'mongo' | 'kafka' | 'timer';

/** A command that a worker has sent and that has not taken effect yet. */
export interface Command {
  engine: Engine;
  /** Commands of one connection take effect in the order they were sent. */
  connection: object;
  /** Command and arguments, by which two runs are told apart. */
  text: string;
  effect: () => unknown;
  answer: (reply: unknown) => void;
  fail: (error: Error) => void;
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * A process, as far as others can see it: the commands it has sent, and what it was told. What it does next depends on
 * nothing else, so that two workers who were told the same are in the same state.
 */
export class Worker {
  readonly name: string;
  /** By how much its clock goes before the world's, or behind it. */
  clockMs = 0;
  sent: Command[] = [];
  /** Mongo's connections were cut, which the next command will show. */
  hasLostMongo = false;
  readonly #told: string[] = [];
  #digest = '';
  readonly #ids = new Map<string, string>();

  constructor(name: string) {
    this.name = name;
  }

  /** Sends a command; resolves once the explorer has let it take effect. */
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

/** Text that is the same for the same content; maps are told by their entries. */
export function plain(value: unknown): string {
  return JSON.stringify(value, (_, part) => (part instanceof Map ? [...part] : part)) ?? '';
}

/** Only one worker goes on at a time; whoever looks at the clock or sleeps meanwhile is that one. */
let running: { worker: Worker; nowMs: number } | undefined;

/** Lets a worker go on, and resolves when it waits for its next reply or has ended. */
export async function goOn(worker: Worker, nowMs: number, act: () => void): Promise<void> {
  running = { worker, nowMs: nowMs + worker.clockMs };
  act();
  // All that follows from it without another reply has been done by then.
  await new Promise((resolve) => setImmediate(resolve));
  running = undefined;
}

// For workers the time is the world's, and a pause is a turn like any command; for everybody else both stay real.
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
