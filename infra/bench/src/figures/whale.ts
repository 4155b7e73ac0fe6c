import { setTimeout as sleep } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { untilFilled } from '../counting.ts';
import type { Figure, Line, Note } from '../results.ts';
import { percentile } from '../statistics.ts';
import { sendEvents, startWhaleService, type Whale, type WhaleService } from './whale/service.ts';
import { type Asked, askUntilWhole, checkTotals, memoryPeaks } from './whale/watch.ts';

const EVENTS_PER_SECOND = 500;

interface Bounds {
  slowestMs?: number;
  windowSeconds: number;
}

const SPREAD: Bounds = { slowestMs: 3_000, windowSeconds: 30 };
const DENSE: Bounds = { windowSeconds: 120 };

function linesOf(name: string, { slowestMs, windowSeconds }: Bounds): Line[] {
  return [
    { name: `${name}-freshness`, unit: 'ms', atMost: 2 },
    { name: `${name}-slowest`, unit: 'ms', ...(slowestMs !== undefined && { atMost: slowestMs }) },
    { name: `${name}-failures`, unit: 'answers', atMost: 0 },
    { name: `${name}-window`, unit: 's', atMost: windowSeconds },
    { name: `${name}-whole`, unit: 's' },
    { name: `${name}-rows`, unit: 'rows/s' },
    { name: `${name}-memory-ingest`, unit: 'MiB', atMost: 64 },
    { name: `${name}-memory-api`, unit: 'MiB', atMost: 64 },
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
    await untilFilled(service.ingest);
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
  // No median, because the bound holds for every single answer.
  note(`${name}-slowest`, { ours: Math.max(...rounds.map(({ slowestMs }) => slowestMs)) });
  const failures = (asked: Asked) => (user === service.dense ? asked.failures : asked.refusals);
  note(`${name}-failures`, { ours: rounds.reduce((sum, asked) => sum + failures(asked), 0) });
  // A heap fills and is collected at its own pace. A single round would only show where it happened to be.
  for (const process of ['ingest', 'api'] as const) {
    const [most, before] = [Math.max(...memory[process].most), Math.max(...memory[process].before)];
    note(`${name}-memory-${process}`, { ours: most - before, most, before });
  }
}

/** Peak memory in each round, MiB. */
function peaksOf() {
  return { most: [] as number[], before: [] as number[] };
}

/** Measures other users' freshness, and memory, until a signal. */
async function watch({ probes, ingest, api }: WhaleService, over: AbortSignal) {
  const [probed, peaks] = await Promise.all([probes.many(over), memoryPeaks({ ingest, api }, over)]);
  return { ...probed, peaks };
}
