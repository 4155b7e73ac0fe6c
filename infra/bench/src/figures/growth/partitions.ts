import type { Bench } from '../../bench.ts';
import { countTopic } from '../../counting.ts';
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
      const perSecond = new Map<number, number>();
      // Alternate the direction, so that drift affects all alike.
      for (const partitions of round % 2 === 1 ? PARTITIONS : PARTITIONS.toReversed()) {
        perSecond.set(partitions, await counted(bench, partitions, round));
      }
      note('growth-partitions', points.add(PARTITIONS.map((partitions) => perSecond.get(partitions)!)));
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

/** Events a second. */
async function counted(bench: Bench, partitions: number, round: number): Promise<number> {
  const name = `partitions_${partitions}_${round}`;
  const events = backlog(name, bench.size(100_000, 3_000));
  const [topic, { address }] = await Promise.all([
    Topic.create(bench, name, partitions),
    bench.shared(mongo),
  ]);
  await topic.send(events);
  const { tookMs, stop } = await countTopic(bench, topic, `${address}/${name}`, events.length);
  await stop();
  return (events.length / tookMs) * 1_000;
}
