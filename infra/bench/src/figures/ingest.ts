import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { mongo } from '../engines.ts';
import { calltally } from '../processes.ts';
import { insertOnly, parseOnly } from '../references/direct.ts';
import type { Figure } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { backlog, Topic } from '../world/topic.ts';

export const ingest: Figure = {
  name: 'ingest',
  lines: [
    {
      name: 'ingest',
      unit: 'events/s',
      atLeast: 0.65,
    },
    {
      name: 'replay',
      unit: 'events/s',
      atLeast: 1.5,
    },
  ],
  async measure(bench, note) {
    const { address } = await bench.shared(mongo);
    for (let round = 1; round <= bench.rounds; round++) {
      const events = backlog(`${round}`, bench.size(200_000, 6_000));
      const perSecond = (tookMs: number) => (events.length / tookMs) * 1_000;
      const topic = await Topic.create(bench, `ingest-${round}`);
      await topic.send(events);
      const { ours, other } = await takeTurns(
        round,
        () => countAndReplay(bench, topic, `${address}/ingest_${round}`, events.length),
        async () => ({
          parse: perSecond(await parseOnly(topic, events.length)),
          insert: perSecond(await insertOnly(`${address}/insert_${round}`, events)),
        }),
      );
      const counted = perSecond(ours.countedMs);
      note('ingest', { ours: counted, other: Math.min(other.parse, other.insert), ...other });
      note('replay', { ours: perSecond(ours.replayedMs), other: counted });
    }
  },
};

/** For a topic that is counted while its service still runs. */
async function countAndReplay(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const counted = await countTopic(bench, topic, mongoUri, events);
  const { already, seconds } = await calltally(bench, counted.env, 'replay', '--from', 'earliest', '--json');
  if (already !== events) throw new Error(`replayed ${already} of ${events}`);
  await counted.stop();
  return { countedMs: counted.tookMs, replayedMs: Number(seconds) * 1_000 };
}
