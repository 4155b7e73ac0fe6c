import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import type { Figure, Line, Note } from '../figure.ts';
import { percentile } from '../statistics.ts';
import { vitals } from '../vitals.ts';
import { type Asked, askUntilWhole, checkTotals } from './whale/asked.ts';
import { sendEvents } from './whale/events.ts';
import { memoryPeaks } from './whale/memory-peaks.ts';
import { startWhaleService, type Whale, type WhaleService } from './whale/service.ts';

const EVENTS_PER_SECOND = 500;
const WARM_WITHIN_MS = 600_000;
const LOOK_EVERY_MS = 200;

interface Promised {
  slowestMs?: number;
  windowSeconds: number;
  /** What is no failure. */
  answered: string;
}

const SPREAD: Promised = { slowestMs: 3_000, windowSeconds: 30, answered: '200' };
const DENSE: Promised = { windowSeconds: 120, answered: '200, or 503 with `Retry-After`' };

function linesOf(name: string, { slowestMs, windowSeconds, answered }: Promised): Line[] {
  const filled = 'from an emptied Redis until';
  return [
    {
      name: `${name}-freshness`,
      unit: 'ms',
      compares: 'freshness of others, 99 of 100 are faster, while the user is filled in, against before',
      atMost: 2,
    },
    {
      name: `${name}-slowest`,
      unit: 'ms',
      compares: 'the slowest answer for the default window of the user in all rounds',
      ...(slowestMs !== undefined && { atMost: slowestMs }),
    },
    {
      name: `${name}-failures`,
      unit: 'answers',
      compares: `answers for it in all rounds other than ${answered}`,
      atMost: 0,
    },
    {
      name: `${name}-window`,
      unit: 's',
      compares: `${filled} it comes from counters`,
      atMost: windowSeconds,
    },
    { name: `${name}-whole`, unit: 's', compares: `${filled} two years of the user do` },
    { name: `${name}-rows`, unit: 'rows/s', compares: 'rows of the user filled in a second until then' },
    {
      name: `${name}-memory-ingest`,
      unit: 'MiB',
      compares: 'memory of ingest at the most meanwhile in all rounds, above the most of the times before',
      atMost: 64,
    },
    { name: `${name}-memory-api`, unit: 'MiB', compares: 'the same of the API', atMost: 64 },
  ];
}

export const whale: Figure = {
  name: 'whale',
  lines: [...linesOf('whale', SPREAD), ...linesOf('whale-dense', DENSE)],
  async measure(bench, note) {
    const service = await startWhaleService(bench);
    await service.traffic.ask({ perSecond: EVENTS_PER_SECOND });
    await sleep(bench.size(15_000, 2_000)); // code is compiled, and heaps grow
    await measureWhale(bench, service, service.spread, 'whale', note);
    await measureWhale(bench, service, service.dense, 'whale-dense', note);
    await service.traffic.ask({ perSecond: 0 });
  },
};

async function measureWhale(
  bench: Bench,
  service: WhaleService,
  user: Whale,
  name: string,
  note: Note,
): Promise<void> {
  const rounds: Asked[] = [];
  const memory = { ingest: peaksOf(), api: peaksOf() };
  for (let round = 1; round <= bench.size(3, 1); round++) {
    await untilWarm(service);
    const without = await watch(service, AbortSignal.timeout(bench.size(20_000, 3_000)));
    const filled = new AbortController();
    await service.world.emptyRedis();
    const endEvents = sendEvents(service.calls, user);
    const [during, asked] = await Promise.all([
      watch(service, filled.signal),
      askUntilWhole(service, user).finally(() => filled.abort()),
    ]);
    await endEvents();
    await checkTotals(service, user);
    rounds.push(asked);
    const { windowSeconds, wholeSeconds, slowestMs, ...counts } = asked;
    note(`${name}-freshness`, {
      ours: percentile(during.freshMs, 0.99),
      other: percentile(without.freshMs, 0.99),
      p50: percentile(during.freshMs, 0.5),
      otherP50: percentile(without.freshMs, 0.5),
      most: Math.max(...during.freshMs),
      probes: during.freshMs.length,
      refused: during.refused,
    });
    note(`${name}-window`, { ours: windowSeconds, slowestMs, ...counts });
    note(`${name}-whole`, { ours: wholeSeconds });
    note(`${name}-rows`, { ours: user.rows / wholeSeconds });
    for (const process of ['ingest', 'api'] as const) {
      memory[process].most.push(during.peaks[process]);
      memory[process].before.push(without.peaks[process]);
    }
    service.api.emptyLog();
  }
  // No median: each single answer is promised.
  note(`${name}-slowest`, { ours: Math.max(...rounds.map(({ slowestMs }) => slowestMs)) });
  const failures = (asked: Asked) => (user === service.dense ? asked.failures : asked.refusals);
  note(`${name}-failures`, { ours: rounds.reduce((sum, asked) => sum + failures(asked), 0) });
  // A heap fills and empties on its own time, so that a single round tells its tide.
  for (const process of ['ingest', 'api'] as const) {
    const [most, before] = [Math.max(...memory[process].most), Math.max(...memory[process].before)];
    note(`${name}-memory-${process}`, { ours: most - before, most, before });
  }
}

/** Memory at the most in each round, MiB. */
function peaksOf() {
  return { most: [] as number[], before: [] as number[] };
}

/** Freshness of others, and memory, until a signal. */
async function watch({ probes, ingest, api }: WhaleService, over: AbortSignal) {
  const [probed, peaks] = await Promise.all([probes.many(over), memoryPeaks({ ingest, api }, over)]);
  return { ...probed, peaks };
}

/** @throws Error where users are still being filled after a while */
async function untilWarm({ ingest }: WhaleService): Promise<void> {
  for (const end = Date.now() + WARM_WITHIN_MS; Date.now() < end; await sleep(LOOK_EVERY_MS)) {
    if ((await vitals(ingest)).sum('calltally_warming_users') === 0) return;
  }
  throw new Error(`users are still being filled after ${WARM_WITHIN_MS} ms`);
}
