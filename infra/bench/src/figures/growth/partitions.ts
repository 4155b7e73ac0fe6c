import type { Bench } from '../../bench.ts';
import { countTopic } from '../../counting.ts';
import { usEach } from '../../cpu-time.ts';
import { mongo } from '../../engines.ts';
import { picture } from '../../picture.ts';
import type { Figure } from '../../results.ts';
import { backlog, Topic } from '../../world/topic.ts';
import { Points } from './points.ts';

const PARTITIONS = [1, 3, 6, 12, 24];
/** Each round measures every number of partitions, each with its own topic, database and Redis. */
const ROUNDS_MAX = 3;

export const growthPartitions: Figure = {
  name: 'growth-partitions',
  lines: [
    {
      name: 'growth-partitions',
      unit: 'events/s',
    },
  ],
  pictures: ['partitions'],
  async measure(bench, note) {
    const points = new Points(PARTITIONS);
    const rounds = Math.min(bench.rounds, ROUNDS_MAX);
    for (let round = 1; round <= rounds; round++) {
      const seen = new Map<number, { perSecond: number; us: number }>();
      // Alternate the direction, so that drift affects all alike.
      for (const partitions of round % 2 === 1 ? PARTITIONS : PARTITIONS.toReversed()) {
        seen.set(partitions, await counted(bench, partitions, round));
      }
      const all = PARTITIONS.map((partitions) => seen.get(partitions)!);
      note('growth-partitions', {
        ...points.add(all.map(({ perSecond }) => perSecond)),
        oursUs: all.at(-1)!.us,
        otherUs: all[0]!.us,
      });
    }
    const svg = picture('More partitions', [
      {
        x: {
          title: 'partitions of the topic',
          scale: 'linear',
          ticks: PARTITIONS.map((at) => ({ at })),
          max: 25,
        },
        y: { title: 'events/s, topic to counted', scale: 'linear' },
        curves: [points.curve('one ingest process')],
      },
    ]);
    bench.pictures.set('partitions', svg);
  },
};

async function counted(bench: Bench, partitions: number, round: number) {
  const name = `partitions_${partitions}_${round}`;
  const events = backlog(name, bench.size(100_000, 3_000));
  const [topic, { address }] = await Promise.all([
    Topic.create(bench, name, partitions),
    bench.shared(mongo),
  ]);
  await topic.send(events);
  const { stop, ...spent } = await countTopic(bench, topic, `${address}/${name}`, events.length);
  await stop();
  return { perSecond: (events.length / spent.tookMs) * 1_000, us: usEach(spent, events.length) };
}
