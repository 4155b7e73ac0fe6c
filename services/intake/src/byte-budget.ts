import type { FastifyReply, FastifyRequest } from 'fastify';
import { IntakeError } from './intake-error.ts';

/**
 * Bounds the bytes of requests that are under way: from before their body is read until they are answered. What does not
 * fit is refused at once, so that memory stays bounded however slow Kafka is.
 */
export class ByteBudget {
  /** Requests that were refused. */
  refused = 0;
  #used = 0;
  readonly #total: number;
  readonly #requestMax: number;

  /** @param requestMax the largest body, as it is after it is unpacked */
  constructor(total: number, requestMax: number) {
    this.#total = total;
    this.#requestMax = requestMax;
  }

  get used(): number {
    return this.#used;
  }

  /** A hook of a route, before the body is read. @throws IntakeError OVERLOADED */
  readonly admit = (request: FastifyRequest, reply: FastifyReply, done: () => void): void => {
    const bytes = this.#neededBy(request);
    if (this.#used + bytes > this.#total) {
      this.refused += 1;
      throw new IntakeError('OVERLOADED');
    }
    this.#used += bytes;
    // Comes once in every case, also when the client goes away.
    reply.raw.once('close', () => {
      this.#used -= bytes;
    });
    done();
  };

  /** What is not announced, or is packed, may be as large as a body may be. */
  #neededBy({ headers }: FastifyRequest): number {
    const length = headers['content-length'];
    const isPlain = headers['content-encoding'] === undefined;
    return length !== undefined && isPlain ? Math.min(Number(length), this.#requestMax) : this.#requestMax;
  }
}
