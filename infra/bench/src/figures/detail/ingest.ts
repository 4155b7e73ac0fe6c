import type { CallEvent } from '@calltally/contract';
import { Redis } from 'ioredis';
import type { Bench } from '../../bench.ts';
import { countTopic } from '../../counting.ts';
import { usEach } from '../../cpu-time.ts';
import { mongo } from '../../engines.ts';
import type { Line, Note } from '../../results.ts';
import { takeTurns } from '../../statistics.ts';
import { labelsOf, USUAL, type Variety } from '../../world/labels.ts';
import { backlog, Topic } from '../../world/topic.ts';

/** Events of how many different labels each user has. */
const KINDS: readonly { name: string; variety: Variety; atLeast?: number }[] = [
  { name: 'detail-ingest', variety: USUAL, atLeast: 0.85 },
  { name: 'detail-ingest-one-cell', variety: { agents: 1, directions: 1, statuses: 1 } },
];

export const INGEST_LINES: readonly Line[] = KINDS.map(({ name, atLeast }) => ({
  name,
  unit: 'events/s',
  ...(atLeast !== undefined && { atLeast }),
}));

export async function measureIngest(bench: Bench, note: Note): Promise<void> {
  const { address } = await bench.shared(mongo);
  for (const { name, variety } of KINDS) {
    for (let round = 1; round <= bench.rounds; round++) {
      const events = labelled(backlog(`${name}-${round}`, bench.size(200_000, 6_000)), variety);
      const topics = await Promise.all(
        ['on', 'off'].map((detail) => Topic.create(bench, `${name}-${detail}-${round}`)),
      );
      for (const topic of topics) await topic.send(events);
      const count = async (detail: 'on' | 'off') => {
        const topic = topics[detail === 'on' ? 0 : 1]!;
        const settings = { COUNTERS_DETAIL: detail };
        const mongoUri = `${address}/${topic.name.replaceAll('-', '_')}`;
        const { ingest, env, stop, ...spent } = await countTopic(
          bench,
          topic,
          mongoUri,
          events.length,
          settings,
        );
        const redisUs = await usedUs(env.REDIS_URL!);
        const ingestUs = (ingest.cpuSeconds() ?? 0) * 1e6;
        await stop();
        return {
          perSecond: (events.length / spent.tookMs) * 1_000,
          us: usEach(spent, events.length),
          redisUs: redisUs / events.length,
          ingestUs: ingestUs / events.length,
        };
      };
      const { ours, other } = await takeTurns(
        round,
        () => count('on'),
        () => count('off'),
      );
      note(name, {
        ours: ours.perSecond,
        other: other.perSecond,
        oursUs: ours.us,
        otherUs: other.us,
        oursRedisUs: ours.redisUs,
        otherRedisUs: other.redisUs,
        oursIngestUs: ours.ingestUs,
        otherIngestUs: other.ingestUs,
      });
    }
  }
}

function labelled(events: readonly CallEvent[], variety: Variety): CallEvent[] {
  const labels = labelsOf(variety);
  return events.map((event) => {
    const { agentId, direction, status } = labels[Math.floor(Math.random() * labels.length)]!;
    return { ...event, agent_id: agentId, direction, status };
  });
}

/** Microseconds of its processor that Redis has used. */
async function usedUs(url: string): Promise<number> {
  const redis = new Redis(url);
  const said = await redis.info('cpu');
  redis.disconnect();
  return [...said.matchAll(/^used_cpu_(?:user|sys):(.+)$/gm)].reduce(
    (sum, [, s]) => sum + Number(s) * 1e6,
    0,
  );
}
