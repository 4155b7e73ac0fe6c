import type { Bench } from '../bench.ts';
import { calltally } from '../calltally.ts';
import { freshRedis, mongo } from '../engines.ts';
import type { Figure } from '../figure.ts';
import { insertOnly } from '../references/insert-only.ts';
import { parseOnly } from '../references/parse-only.ts';
import { takeTurns } from '../take-turns.ts';
import { countBacklog, makeBacklog } from '../world/backlog.ts';
import { Topic } from '../world/topic.ts';

export const ingest: Figure = {
  name: 'ingest',
  lines: [
    {
      name: 'ingest',
      unit: 'events/s',
      compares:
        'one ingest process, topic to counted, against the slower of a kafkajs consumer that only parses and an ' +
        'insertMany that only inserts the same rows into the same indexes',
      atLeast: 0.85,
    },
    {
      name: 'replay',
      unit: 'events/s',
      compares: '`calltally replay` of events that are counted already, against counting them first',
      atLeast: 1.5,
    },
  ],
  async measure(bench, note) {
    const { address } = await bench.shared(mongo);
    for (let round = 1; round <= bench.rounds; round++) {
      const events = makeBacklog(`bench-${round}`, bench.size(200_000, 6_000));
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

async function countAndReplay(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const redis = await freshRedis(bench);
  const env = { ...topic.environment, REDIS_URL: redis.address, MONGODB_URI: mongoUri };
  const { service, countedMs } = await countBacklog(bench, topic, env, events);
  const { already, seconds } = await calltally(bench, env, 'replay', '--from', 'earliest', '--json');
  if (already !== events) throw new Error(`replayed ${already} of ${events}`);
  await service.stop();
  await redis.stop('SIGKILL');
  return { countedMs, replayedMs: Number(seconds) * 1_000 };
}
