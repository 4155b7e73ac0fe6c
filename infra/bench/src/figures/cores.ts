import { LoadGenerator, serverUs, type Throughput } from '../load/load-generator.ts';
import { API, NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { dashboards } from '../world/dashboards.ts';

const PROCESSES = [2, 4];
/** For each process, if there are so many. */
const USERS = 5_000;

/** Dashboards a second of several API processes, each with a load generator of its own, and of one. */
export const cores: Figure = {
  name: 'cores',
  lines: PROCESSES.map((count) => ({ name: `cores-${count}`, unit: 'requests/s' })),
  async measure(bench, note) {
    const { world, keys } = await bench.shared(dashboards);
    const seconds = bench.size(8, 2);
    const users = Math.min(USERS, keys.length / Math.max(...PROCESSES));
    const pairs: { server: NodeProcess; load: LoadGenerator }[] = [];
    for (let i = 0; i < Math.max(...PROCESSES); i++) {
      const load = new LoadGenerator(bench, `cores-${i}`, keys.slice(i * users, (i + 1) * users));
      const server = await NodeProcess.start(bench, API, world.environment);
      await load.everyKeyOnce(server);
      await load.throughput(server, seconds);
      pairs.push({ server, load });
    }
    const together = (count: number) => async () =>
      sumOf(
        await Promise.all(pairs.slice(0, count).map(({ server, load }) => load.throughput(server, seconds))),
      );
    for (let round = 1; round <= bench.rounds; round++) {
      for (const count of PROCESSES) {
        const { ours, other } = await takeTurns(round, together(count), together(1));
        note(`cores-${count}`, {
          ours: ours.perSecond,
          other: other.perSecond,
          oursUs: serverUs(ours),
          otherUs: serverUs(other),
        });
      }
    }
    for (const { server } of pairs) await server.stop();
  },
};

function sumOf(all: readonly Throughput[]) {
  return {
    perSecond: all.reduce((sum, { perSecond }) => sum + perSecond, 0),
    cores: all.reduce((sum, { cores }) => sum + cores, 0),
  };
}
