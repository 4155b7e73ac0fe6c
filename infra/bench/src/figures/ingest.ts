import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { stopwatch, usEach } from '../cpu-time.ts';
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
          parse: await parseOnly(topic, events.length),
          insert: await insertOnly(`${address}/insert_${round}`, events),
        }),
      );
      const { parse, insert } = other;
      const slower = parse.tookMs > insert.tookMs ? parse : insert;
      const counted = perSecond(ours.counted.tookMs);
      const countedUs = usEach(ours.counted, events.length);
      note('ingest', {
        ours: counted,
        other: perSecond(slower.tookMs),
        oursUs: countedUs,
        otherUs: usEach(slower, events.length),
        parse: perSecond(parse.tookMs),
        insert: perSecond(insert.tookMs),
      });
      note('replay', {
        ours: perSecond(ours.replayed.tookMs),
        other: counted,
        oursUs: usEach(ours.replayed, events.length),
        otherUs: countedUs,
      });
    }
  },
};

/** For a topic that is counted while its service still runs. */
async function countAndReplay(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const counted = await countTopic(bench, topic, mongoUri, events);
  const spent = stopwatch();
  const { already, seconds } = await calltally(bench, counted.env, 'replay', '--from', 'earliest', '--json');
  const { cpuSeconds } = spent();
  if (already !== events) throw new Error(`replayed ${already} of ${events}`);
  await counted.stop();
  return { counted, replayed: { tookMs: Number(seconds) * 1_000, cpuSeconds } };
}
