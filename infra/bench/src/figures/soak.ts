import { setTimeout as sleep } from 'node:timers/promises';
import { untilCounted } from '../counting.ts';
import type { NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { drawMemory, lastThird, type Seen } from './soak/memory.ts';
import { startSoak, wrongUsers } from './soak/service.ts';

const EVENTS_PER_SECOND = 200;
/** Every so many events, one is sent again. */
const AGAIN_EVERY = 20;
const DASHBOARDS_PER_SECOND = 200;
/** Growth up to this counts as none. docs/performance.md says which leaks are too small to be seen. */
const FLAT = 1.1;
const MIDDLE = 0.5;
/** The quantile that stands for a heap just after garbage collection. */
const LOW_TIDE = 0.1;

export const soak: Figure = {
  name: 'soak',
  lines: [
    { name: 'soak-api-memory', unit: 'MiB', atMost: FLAT },
    { name: 'soak-api-heap', unit: 'MiB', atMost: FLAT },
    { name: 'soak-ingest-memory', unit: 'MiB', atMost: FLAT },
    { name: 'soak-ingest-heap', unit: 'MiB', atMost: FLAT },
    // At most what arrives in a second.
    { name: 'soak-lag', unit: 'events', atMost: EVENTS_PER_SECOND },
    { name: 'soak-errors', unit: 'errors', atMost: 0 },
    { name: 'soak-wrong', unit: 'users', atMost: 0 },
  ],
  pictures: ['soak'],
  async measure(bench, note) {
    const { topic, ingest, api, past, beganMs, keys, queries, load, traffic } = await startSoak(bench);
    const seconds = bench.size(900, 60);
    const everySeconds = bench.size(5, 2);
    bench.say(
      `${seconds} seconds of ${EVENTS_PER_SECOND} events and ${DASHBOARDS_PER_SECOND} dashboards each …`,
    );
    await traffic.ask({ perSecond: EVENTS_PER_SECOND, againEvery: AGAIN_EVERY });
    const asking = load.paced(api, { queries, perSecond: DASHBOARDS_PER_SECOND, seconds });
    const seen = await watch({ api, ingest }, seconds, everySeconds);
    const { failures, answers } = await asking;
    await traffic.ask({ perSecond: 0 });
    await sleep(1_000); // for the last acknowledgements
    const { acknowledged, callsOf } = await traffic.ask({});
    await untilCounted(topic, past.length + acknowledged);

    for (const one of ['api', 'ingest'] as const) {
      const memory = seen.map((at) => at[one].memoryMiB);
      const heap = seen.map((at) => at[one].heapMiB);
      note(`soak-${one}-memory`, lastThird(memory, MIDDLE));
      note(`soak-${one}-heap`, lastThird(heap, LOW_TIDE));
    }
    const lag = seen.map(({ ingest: at }) => at.sum('calltally_lag_messages'));
    const { ours, other: middleThird, most } = lastThird(lag, MIDDLE);
    note('soak-lag', { ours, middleThird: middleThird!, most: most! });
    const { sum } = await ingest.metrics();
    const errors = {
      failures,
      repeated: sum('calltally_store_failures_total'),
      deadLetters: sum('calltally_dead_letters_total'),
      lost: sum('calltally_lost_events_total'),
    };
    const all = Object.values(errors).reduce((total, count) => total + count, 0);
    note('soak-errors', { ours: all, ...errors, answers, events: acknowledged });
    const wrong = await wrongUsers(api, keys, queries, { past, beganMs, callsOf });
    note('soak-wrong', { ours: wrong, users: keys.length });
    bench.pictures.set('soak', drawMemory(seen, everySeconds));
  },
};

/** Samples both processes repeatedly, as Prometheus does. */
async function watch(
  { api, ingest }: Record<'api' | 'ingest', NodeProcess>,
  seconds: number,
  everySeconds: number,
): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; ) {
    await sleep(everySeconds * 1_000);
    seen.push({ api: await api.metrics(), ingest: await ingest.metrics() });
    // A line for each dashboard would fill the disk.
    api.emptyLog();
  }
  return seen;
}
