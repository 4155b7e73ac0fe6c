import { formatInstant } from '@calltally/domain';
import type { AnswerMeta, AnswerSource } from '@calltally/ledger';
import type { Counter } from '@calltally/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

const SOURCES: readonly AnswerSource[] = ['counters', 'counters+mongo', 'mongo'];

/**
 * Says in headers how an answer was read, and counts it by its source.
 * @param answers has the label `source`
 */
export class TallyHeaders {
  readonly #bySource: ReadonlyMap<AnswerSource, { inc(): void }>;
  /** As-of moves a few times a second and is asked for with every request. */
  readonly #asOfText = remembered(formatInstant);

  constructor(answers: Counter<'source'>) {
    this.#bySource = new Map(SOURCES.map((source) => [source, answers.labels(source)]));
  }

  /** @param readMs how long reading took */
  write(request: FastifyRequest, reply: FastifyReply, { source, asOfMs }: AnswerMeta, readMs: number): void {
    this.#bySource.get(source)?.inc();
    reply.header('cache-control', 'private, no-store');
    reply.header('x-tally-source', source);
    if (asOfMs !== undefined) reply.header('x-tally-as-of', this.#asOfText(asOfMs));
    reply.header('server-timing', `auth;dur=${hundredths(request.authMs)}, read;dur=${hundredths(readMs)}`);
  }
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

function remembered(format: (ms: number) => string): (ms: number) => string {
  let lastMs = Number.NaN;
  let text = '';
  return (ms) => {
    if (ms !== lastMs) {
      lastMs = ms;
      text = format(ms);
    }
    return text;
  };
}
