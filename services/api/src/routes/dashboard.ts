import { dashboardData, formatInstant, parseDateRange } from '@calltally/domain';
import type { DashboardReader, Source } from '@calltally/ledger';
import { Counter, type Registry } from '@calltally/telemetry';
import type { FastifyInstance } from 'fastify';
import { DASHBOARD_MESSAGE, type DashboardQuery, DashboardSchema } from '../schemas/dashboard.ts';

export interface DashboardParts {
  reader: Pick<DashboardReader, 'read'>;
  /** Epoch milliseconds. */
  clock: () => number;
  metrics: Registry;
}

const SOURCES: readonly Source[] = ['counters', 'counters+mongo', 'mongo'];

/** `GET /analytics/dashboard`: the figures of the key's user (docs/api.md). */
export async function dashboardRoutes(app: FastifyInstance, parts: DashboardParts): Promise<void> {
  const { reader, clock, metrics } = parts;
  const answers = new Counter({
    name: 'calltally_dashboard_answers_total',
    help: 'Dashboards answered, by what they were read from',
    labelNames: ['source'],
    registers: [metrics],
  });
  const answersBySource = new Map(SOURCES.map((source) => [source, answers.labels(source)]));
  const asOfText = remembered(formatInstant);

  app.get<{ Querystring: DashboardQuery }>(
    '/analytics/dashboard',
    { schema: DashboardSchema, onRequest: [app.requireApiKey, ...app.userLimit] },
    async (request, reply) => {
      const nowMs = clock();
      const range = parseDateRange(request.query, nowMs);
      const begunMs = performance.now();
      const reading = await reader.read(request.userId, range, nowMs);
      const readMs = performance.now() - begunMs;
      answersBySource.get(reading.source)?.inc();
      reply.header('cache-control', 'private, no-store');
      reply.header('x-tally-source', reading.source);
      if (reading.asOfMs !== undefined) reply.header('x-tally-as-of', asOfText(reading.asOfMs));
      reply.header('server-timing', `auth;dur=${hundredths(request.authMs)}, read;dur=${hundredths(readMs)}`);
      return { success: true, message: DASHBOARD_MESSAGE, data: dashboardData(reading, range) };
    },
  );
}

function hundredths(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** As-of moves a few times a second and is asked for with every request. */
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
