import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import fp from 'fastify-plugin';

/** When clients of streams are to move, as parts of the time that is left: balancers have noticed by the first. */
const MOVE_FROM = 0.5;
/** So that the last of them are still told. */
const MOVE_UNTIL = 0.9;

/**
 * The time between the announcement that this process ends and its end. Requests are answered as ever, while balancers
 * notice and clients move to other processes.
 */
export class Drain {
  #ms = 0;
  #endsAtMs: number | undefined;

  get hasBegun(): boolean {
    return this.#endsAtMs !== undefined;
  }

  /** Whether balancers have time to notice, so that clients reach other processes. */
  get leadsElsewhere(): boolean {
    return this.#ms > 0;
  }

  /** Begins, and resolves after `ms`. What has begun never goes back: the process ends. */
  async begin(ms: number): Promise<void> {
    this.#ms = ms;
    this.#endsAtMs = performance.now() + ms;
    await sleep(ms);
  }

  /** In how many ms a stream is to move. Random, so that not all of them come to another process at once. */
  moveWithinMs(): number {
    const leftMs = Math.max(0, (this.#endsAtMs ?? Number.POSITIVE_INFINITY) - performance.now());
    return leftMs * (MOVE_FROM + Math.random() * (MOVE_UNTIL - MOVE_FROM));
  }
}

/** Tells clients that keep connections open to use another one from now on, which leads to another process. */
export const movesConnections = fp(
  async (app: FastifyInstance, { drain }: { drain: Drain }) => {
    app.addHook('onRequest', (_request, reply, done) => {
      if (drain.hasBegun) reply.header('connection', 'close');
      done();
    });
  },
  { name: 'moves-connections' },
);
