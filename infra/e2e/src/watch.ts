import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type Answer, ask, figuresOf } from './dashboard.ts';
import type { Deployment } from './deployment.ts';
import type { OracleSums } from './oracle.ts';
import { cutDays, type WrittenRange, wholeDays } from './ranges.ts';
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

interface WatchOptions {
  /** `whole`: ranges that counters alone can answer. `cut`: ranges that also need rows. */
  days: 'whole' | 'cut';
  /** Nothing is sent meanwhile, and everything sent before is counted. */
  quiet?: boolean;
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
      const askedAtMs = Date.now();
      const range = (options.days === 'whole' ? wholeDays : cutDays)(world.chance, askedAtMs);
      const answer = await ask(world.platform.api.url, key, range.query).catch(() => undefined);
      note(watched, answer);
      if (answer?.status === 200) judge(watched, world, { userId, range, askedAtMs, answer }, options);
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
  quiet = false,
): Promise<{ whole: Watched; cut: Watched }> {
  const whole = watch(world, { days: 'whole', quiet });
  const cut = watch(world, { days: 'cut', quiet });
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

function note(watched: Watched, answer: Answer | undefined): void {
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

interface Told {
  userId: string;
  range: WrittenRange;
  askedAtMs: number;
  answer: Answer;
}

function judge(watched: Watched, { oracle }: World<Deployment>, told: Told, { quiet }: WatchOptions): void {
  const { userId, range, askedAtMs } = told;
  const found = figuresOf(told.answer)!;
  const nowMs = Date.now();
  // Midnight may have passed between the request and the answer; either day is right.
  const instants =
    Math.floor(askedAtMs / DAY_MS) === Math.floor(nowMs / DAY_MS) ? [nowMs] : [askedAtMs, nowMs];
  const right = () => instants.map((now) => oracle.figures(userId, range, now));
  if (quiet && !right().some((figures) => isDeepStrictEqual(found, figures))) watched.wrong++;
  const asOfMs = told.answer.asOf === null ? -Infinity : new Date(told.answer.asOf).getTime();
  const bounds = instants.map((now) => oracle.bounds(userId, range, now, asOfMs));
  const names = Object.keys(bounds[0]!.least) as (keyof OracleSums)[];
  if (names.some((name) => bounds.every(({ most }) => found[name] > most[name]))) watched.tooMany++;
  if (names.some((name) => bounds.every(({ least }) => found[name] < least[name]))) watched.tooFew++;
  if (told.answer.asOf !== null) watched.oldestAsOfMs = Math.max(watched.oldestAsOfMs, nowMs - asOfMs);
}
