import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Answer, askFor, type Breakdown, figuresOf, filterQuery, queryOf } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import {
  nameOfGroup,
  type Oracle,
  type OracleDimension,
  type OracleFilter,
  type OracleSums,
} from './oracle.ts';
import { cutDays, randomBy, randomFilter, type WrittenRange, wholeDays, wholeDaysOfCells } from './ranges.ts';
import type { World } from './world.ts';

/** The answers that dashboards got during a fault. */
export interface Watched {
  /** Answers by status code; `none` if the API did not answer. */
  statuses: Map<number | 'none', number>;
  /** Answers with figures by X-Tally-Source. */
  sources: Map<string, number>;
  /** Answers that say more than all that was sent allows. */
  tooMany: number;
  /** Answers that say less than what was acknowledged by their own X-Tally-As-Of allows. */
  tooFew: number;
  /** Answers that were not exact while nothing was sent. */
  wrong: number;
  slowestMs: number;
  slowest503Ms: number;
  /** The greatest age of an answer's X-Tally-As-Of: how long counting stood still for somebody. */
  oldestAsOfMs: number;
  /** 503 answers without Retry-After. */
  withoutRetryAfter: number;
}

export interface WatchOptions {
  /** `whole`: ranges that counters alone can answer. `cut`: ranges that also need rows. */
  days: 'whole' | 'cut';
  /** Nothing is sent meanwhile, and everything sent before is counted. */
  quiet?: boolean;
  /** Ask for dashboards without filters alone, which every version answers. */
  plain?: boolean;
}

const PAUSE_MS = 20;
const DAY_MS = 86_400_000;

/** Reads dashboards of random users, one after another, until stopped. */
export function watch(world: World<Deployment>, options: WatchOptions) {
  const watched = nothingWatched();
  const users = [...world.keys];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const [userId, key] = world.chance.pick(users);
      const question = questionOf(world, options, userId);
      const { route, query } = question;
      const answer = await askFor(route, world.platform.api.url, key, query).catch(() => undefined);
      note(watched, answer);
      if (answer?.status === 200) judge(watched, question, answer, options);
      await sleep(PAUSE_MS);
    }
    return watched;
  })();
  return {
    stop(): Promise<Watched> {
      stopped = true;
      return running;
    },
  };
}

/** Reads dashboards of both kinds while `work` runs. */
export async function watchBoth(
  world: World<Deployment>,
  work: () => Promise<void>,
  options: Omit<WatchOptions, 'days'> = {},
): Promise<{ whole: Watched; cut: Watched }> {
  const whole = watch(world, { days: 'whole', ...options });
  const cut = watch(world, { days: 'cut', ...options });
  try {
    await work();
  } finally {
    await Promise.all([whole.stop(), cut.stop()]);
  }
  return { whole: await whole.stop(), cut: await cut.stop() };
}

function nothingWatched(): Watched {
  return {
    statuses: new Map(),
    sources: new Map(),
    tooMany: 0,
    tooFew: 0,
    wrong: 0,
    slowestMs: 0,
    slowest503Ms: 0,
    oldestAsOfMs: 0,
    withoutRetryAfter: 0,
  };
}

/** The sum of what two readers got. */
export function together(a: Watched, b: Watched): Watched {
  const sum = <K>(one: Map<K, number>, other: Map<K, number>) => {
    const keys = [...new Set([...one.keys(), ...other.keys()])];
    return new Map(keys.map((key) => [key, (one.get(key) ?? 0) + (other.get(key) ?? 0)]));
  };
  return {
    statuses: sum(a.statuses, b.statuses),
    sources: sum(a.sources, b.sources),
    tooMany: a.tooMany + b.tooMany,
    tooFew: a.tooFew + b.tooFew,
    wrong: a.wrong + b.wrong,
    slowestMs: Math.max(a.slowestMs, b.slowestMs),
    slowest503Ms: Math.max(a.slowest503Ms, b.slowest503Ms),
    oldestAsOfMs: Math.max(a.oldestAsOfMs, b.oldestAsOfMs),
    withoutRetryAfter: a.withoutRetryAfter + b.withoutRetryAfter,
  };
}

function note(watched: Watched, answer: Answer<unknown> | undefined): void {
  const status = answer?.status ?? 'none';
  watched.statuses.set(status, (watched.statuses.get(status) ?? 0) + 1);
  if (answer === undefined) return;
  if (answer.source !== null) {
    watched.sources.set(answer.source, (watched.sources.get(answer.source) ?? 0) + 1);
  }
  watched.slowestMs = Math.max(watched.slowestMs, answer.tookMs);
  if (status !== 503) return;
  watched.slowest503Ms = Math.max(watched.slowest503Ms, answer.tookMs);
  if (!(Number(answer.retryAfter) > 0)) watched.withoutRetryAfter++;
}

/** One request, and what may be answered to it. */
interface Question {
  route: 'dashboard' | 'breakdown';
  query: string;
  /** Whether it is what is right once everything is counted. */
  isExact(answer: Answer<unknown>): boolean;
  /** What the answer says more than all that was sent allows, and less than what was acknowledged by its as-of. */
  beyondBounds(answer: Answer<unknown>, asOfMs: number): { tooMany: boolean; tooFew: boolean };
}

/** Most clients ask for a dashboard, some for one of certain calls, and some for a breakdown. */
function questionOf({ chance, oracle }: World<Deployment>, options: WatchOptions, userId: string): Question {
  const kind = options.plain ? 0 : chance.next();
  const askedAtMs = Date.now();
  const filter = kind < 0.5 ? {} : randomFilter(chance);
  const whole = kind < 0.5 ? wholeDays : wholeDaysOfCells;
  const range = (options.days === 'whole' ? whole : cutDays)(chance, askedAtMs);
  const query = queryOf(range.query, filterQuery(filter));
  if (kind >= 0.75) {
    const by = randomBy(chance);
    return { ...breakdownOf(oracle, { userId, range, by, filter }), query: queryOf(query, `by=${by}`) };
  }
  return { ...figuresAsked(oracle, { userId, range, filter, askedAtMs }), query };
}

function figuresAsked(
  oracle: Oracle,
  asked: { userId: string; range: WrittenRange; filter: OracleFilter; askedAtMs: number },
): Omit<Question, 'query'> {
  const { userId, range, filter, askedAtMs } = asked;
  // Midnight may have passed between the request and the answer; either day is right.
  const instants = () => {
    const nowMs = Date.now();
    return Math.floor(askedAtMs / DAY_MS) === Math.floor(nowMs / DAY_MS) ? [nowMs] : [askedAtMs, nowMs];
  };
  return {
    route: 'dashboard',
    isExact(answer) {
      const found = figuresOf(answer as Answer);
      return instants().some((now) => isDeepStrictEqual(found, oracle.figures(userId, range, now, filter)));
    },
    beyondBounds(answer, asOfMs) {
      const found = figuresOf(answer as Answer)!;
      const bounds = instants().map((now) => oracle.bounds(userId, range, now, asOfMs, filter));
      const names = Object.keys(bounds[0]!.least) as (keyof OracleSums)[];
      return {
        tooMany: names.some((name) => bounds.every(({ most }) => found[name] > most[name])),
        tooFew: names.some((name) => bounds.every(({ least }) => found[name] < least[name])),
      };
    },
  };
}

function breakdownOf(
  oracle: Oracle,
  asked: { userId: string; range: WrittenRange; by: readonly OracleDimension[]; filter: OracleFilter },
): Omit<Question, 'query'> {
  const { userId, range, by, filter } = asked;
  return {
    route: 'breakdown',
    isExact(answer) {
      const { groups, rest } = (answer as Answer<Breakdown>).body.data!;
      const right = oracle.breakdown(userId, range, by, filter);
      return rest === null && isDeepStrictEqual(groups, right);
    },
    beyondBounds(answer, asOfMs) {
      const { groups } = (answer as Answer<Breakdown>).body.data!;
      const found = new Map(groups.map((group) => [nameOfGroup(group, by), group]));
      const bounds = oracle.breakdownBounds(userId, range, by, asOfMs, filter);
      const all = oracle.breakdownBounds(userId, range, [], asOfMs, filter).get(nameOfGroup({}, []));
      const calls = groups.reduce((sum, group) => sum + group.calls, 0);
      return {
        tooMany:
          calls > (all?.most.calls ?? 0) ||
          [...found].some(([name, group]) => {
            const most = bounds.get(name)?.most;
            return most === undefined || group.calls > most.calls || BigInt(group.duration_ms) > most.ms;
          }),
        tooFew:
          calls < (all?.least.calls ?? 0) ||
          [...bounds].some(([name, { least }]) => {
            const { calls, duration_ms } = found.get(name) ?? { calls: 0, duration_ms: 0 };
            return calls < least.calls || BigInt(duration_ms) < least.ms;
          }),
      };
    },
  };
}

function judge(watched: Watched, question: Question, answer: Answer<unknown>, { quiet }: WatchOptions): void {
  if (quiet && !question.isExact(answer)) watched.wrong++;
  const asOfMs = answer.asOf === null ? -Infinity : new Date(answer.asOf).getTime();
  const { tooMany, tooFew } = question.beyondBounds(answer, asOfMs);
  if (tooMany) watched.tooMany++;
  if (tooFew) watched.tooFew++;
  if (answer.asOf !== null) watched.oldestAsOfMs = Math.max(watched.oldestAsOfMs, Date.now() - asOfMs);
}
