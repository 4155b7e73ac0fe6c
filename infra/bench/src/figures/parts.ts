import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { engineCpuSeconds } from '../cpu-time.ts';
import { kafka, mongo } from '../engines.ts';
import { Child, until } from '../processes.ts';
import type { PartReply, PartRequest } from '../references/parts.ts';
import type { Figure } from '../results.ts';
import { backlog, Topic } from '../world/topic.ts';

const PARTS = ['read', 'insert', 'apply'] as const;
const ENGINES = ['mongo', 'redis', 'kafka'] as const;
/** Shares of the events between which it is measured: code is compiled before, and both ends are in full work. */
const FROM = 0.25;
const UNTIL = 0.9;

/**
 * Processor time of ingest for an event of a backlog, and of the parts that it cannot do without; and of the engines
 * meanwhile.
 */
export const parts: Figure = {
  name: 'parts',
  lines: [
    { name: 'parts', unit: 'µs', atMost: 1.35 },
    ...[...PARTS, ...ENGINES].map((part) => ({ name: `parts-${part}`, unit: 'µs' })),
  ],
  async measure(bench, note) {
    const { address } = await bench.shared(mongo);
    const child = new Child<PartRequest, PartReply>(
      bench,
      new URL('../references/parts.js', import.meta.url),
      [],
    );
    for (let round = 1; round <= bench.rounds; round++) {
      const events = bench.size(300_000, 60_000);
      const topic = await Topic.create(bench, `parts-${round}`);
      await topic.send(backlog(`parts-${round}`, events));
      const { us, redisUrl, stop } = await countedBy(bench, topic, `${address}/parts_${round}`, events);
      for (const engine of ENGINES) note(`parts-${engine}`, { ours: us[engine] });
      const { brokers, name } = topic;
      const asked: PartRequest[] = [
        { part: 'read', brokers, topic: name, events },
        { part: 'insert', mongoUri: `${address}/parts_insert_${round}` },
        { part: 'apply', redisUrl },
      ];
      let other = 0;
      for (const request of asked) {
        const reply = await child.ask(request);
        note(`parts-${request.part}`, { ours: reply.us });
        other += reply.us;
      }
      note('parts', { ours: us.ingest, other });
      await stop();
    }
  },
};

const PROCESSES = ['ingest', ...ENGINES] as const;
type Used = Record<(typeof PROCESSES)[number], number>;

/** Counts a topic. @returns processor time for an event meanwhile, µs */
async function countedBy(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const engines = { mongo: await bench.shared(mongo), kafka: await bench.shared(kafka) };
  const us = {} as Used;
  const counted = await countTopic(bench, topic, mongoUri, events, {}, async (ingest, redis) => {
    /** What was used, as soon as so many events are committed. */
    const usedAt = async (share: number) => {
      let committed = 0;
      const isCommitted = async () => {
        committed = await topic.committed();
        return committed >= share * events;
      };
      await until(`${share} of all events are counted`, isCommitted, { withinMs: 60_000, everyMs: 20 });
      return {
        committed,
        ingest: ingest.cpuSeconds() ?? Number.NaN,
        mongo: engineCpuSeconds(engines.mongo),
        redis: engineCpuSeconds(redis),
        kafka: engineCpuSeconds(engines.kafka),
      };
    };
    const before = await usedAt(FROM);
    const after = await usedAt(UNTIL);
    for (const one of PROCESSES) {
      us[one] = ((after[one] - before[one]) * 1e6) / (after.committed - before.committed);
    }
  });
  return { us, redisUrl: counted.env.REDIS_URL, stop: () => counted.stop() };
}
