import { formatInstant } from '@calltally/domain';
import type { AnswerMeta, AnswerSource } from '@calltally/ledger';
import { Counter, Histogram, type Registry } from '@calltally/telemetry';
import type { FastifyReply, FastifyRequest } from 'fastify';

const SOURCES: readonly AnswerSource[] = ['counters', 'counters+mongo', 'mongo'];
const READ_METRIC = 'calltally_read_duration_seconds';
const READ_BUCKETS_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

interface Measures {
  readonly answers: { inc(): void };
  readonly reads: { observe(seconds: number): void };
}

/** Sets the headers that tell how an answer was read. Counts answers by source, and measures their reads. */
export class TallyHeaders {
  readonly #bySource: ReadonlyMap<AnswerSource, Measures>;
  #asOfMs = Number.NaN;
  #asOf = '';

  /**
   * @param route as in the metric of requests
   * @param counter its name and help
   */
  constructor(metrics: Registry, route: string, counter: { name: string; help: string }) {
    const answers = new Counter({ ...counter, labelNames: ['source'], registers: [metrics] });
    const reads = readDurations(metrics);
    this.#bySource = new Map(
      SOURCES.map((source) => [
        source,
        { answers: answers.labels(source), reads: reads.labels(route, source) },
      ]),
    );
  }

  /** @param readMs how long reading took */
  write(
    request: FastifyRequest,
    reply: FastifyReply,
    { source, asOfMs, isBeyondCells }: AnswerMeta,
    readMs: number,
  ): void {
    const measures = this.#bySource.get(source);
    measures?.answers.inc();
    measures?.reads.observe(readMs / 1_000);
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

/** One for all routes of a process. */
function readDurations(metrics: Registry): Histogram {
  const existing = metrics.getSingleMetric(READ_METRIC) as Histogram | undefined;
  return (
    existing ??
    new Histogram({
      name: READ_METRIC,
      help: 'Time that an answer took to read from the stores, by route and answer source',
      labelNames: ['route', 'source'],
      buckets: READ_BUCKETS_S,
      registers: [metrics],
    })
  );
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}
