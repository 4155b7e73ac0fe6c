import { readFileSync } from 'node:fs';
import {
  type DashboardTallies,
  type DateRangeInput,
  dashboardData,
  dashboardWindows,
  type EffectiveRange,
  parseDateRange,
  type Range,
} from '@calltally/domain';
import { type FastifyInstance, type FastifyRequest, fastify } from 'fastify';

/** What a dashboard needs sums of. */
export interface Asked {
  userId: string;
  range: Range;
  today: Range;
  thisWeek: Range;
  thisMonth: Range;
  /** The range that includes them all. */
  all: Range;
}

function askedFor(userId: string, range: EffectiveRange, nowMs: number): Asked {
  const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
  const all = {
    from: Math.min(range.from, thisWeek.from, thisMonth.from),
    until: Math.max(range.until, thisWeek.until, thisMonth.until),
  };
  return { userId, range, today, thisWeek, thisMonth, all };
}

/** The body of an API answer, and the schema that serializes it. */
export const reference: { body: unknown; schema: object } = JSON.parse(
  readFileSync(process.env.REFERENCE!, 'utf8'),
);

/**
 * The reference for the API: plain Fastify, without plugins and without a log, with one route that serializes its
 * answer with the API's response schema.
 * @param prepare adds more
 */
export async function serve(
  answer: (request: FastifyRequest) => unknown,
  prepare: (app: FastifyInstance) => void = () => {},
): Promise<void> {
  const app = fastify();
  prepare(app);
  app.get('/analytics/dashboard', { schema: { response: { 200: reference.schema } } }, answer as never);
  app.get('/readyz', async () => ({ ready: true }));
  process.on('SIGTERM', () => process.exit());
  await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
}

/** The API key of a request. */
export function keyOf(request: FastifyRequest): string {
  return request.headers.authorization!.slice('Bearer '.length);
}

/** Dashboards of any user and range, from sums that each request reads. Checks no key. */
export async function serveDashboards(sumsOf: (asked: Asked) => Promise<DashboardTallies>): Promise<void> {
  const userIds: Record<string, string> = JSON.parse(readFileSync(process.env.USERS!, 'utf8'));
  await serve(async (request) => {
    const nowMs = Date.now();
    const range = parseDateRange(request.query as DateRangeInput, nowMs);
    const tallies = await sumsOf(askedFor(userIds[keyOf(request)]!, range, nowMs));
    return {
      success: true,
      message: 'Dashboard analytics fetched successfully',
      data: dashboardData(tallies, range),
    };
  });
}
