import { formatInstant } from '@calltally/domain';
import type { AnswerMeta, AnswerSource } from '@calltally/ledger';
import { Counter, type Registry } from '@calltally/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

const SOURCES: readonly AnswerSource[] = ['counters', 'counters+mongo', 'mongo'];

/** Sets the headers that tell how an answer was read, and counts answers by source. */
export class TallyHeaders {
  readonly #bySource: ReadonlyMap<AnswerSource, { inc(): void }>;
  #asOfMs = Number.NaN;
  #asOf = '';

  /** @param counter its name and help */
  constructor(metrics: Registry, counter: { name: string; help: string }) {
    const answers = new Counter({ ...counter, labelNames: ['source'], registers: [metrics] });
    this.#bySource = new Map(SOURCES.map((source) => [source, answers.labels(source)]));
  }

  /** @param readMs how long reading took */
  write(
    request: FastifyRequest,
    reply: FastifyReply,
    { source, asOfMs, isBeyondCells }: AnswerMeta,
    readMs: number,
  ): void {
    this.#bySource.get(source)?.inc();
    reply.header('cache-control', 'private, no-store');
    reply.header('x-tally-source', source);
    if (asOfMs !== undefined) reply.header('x-tally-as-of', this.#asOfText(asOfMs));
    if (isBeyondCells) reply.header('x-tally-cells', 'beyond');
    reply.header('server-timing', `auth;dur=${hundredths(request.authMs)}, read;dur=${hundredths(readMs)}`);
  }

  /** Formatted once: thousands of requests share an as-of. */
  #asOfText(asOfMs: number): string {
    if (asOfMs !== this.#asOfMs) {
      this.#asOfMs = asOfMs;
      this.#asOf = formatInstant(asOfMs);
    }
    return this.#asOf;
  }
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
