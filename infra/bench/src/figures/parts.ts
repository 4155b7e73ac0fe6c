import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { mongo } from '../engines.ts';
import { Child, until } from '../processes.ts';
import type { PartReply, PartRequest } from '../references/parts.ts';
import type { Figure } from '../results.ts';
import { backlog, Topic } from '../world/topic.ts';

const PARTS = ['read', 'insert', 'apply'] as const;
/** So much is counted before it is measured: code is compiled then. */
const WARM = 0.25;

/** Processor time of ingest for an event of a backlog, and of the parts that it cannot do without. */
export const parts: Figure = {
  name: 'parts',
  lines: [
    { name: 'parts', unit: 'µs', atMost: 1.35 },
    ...PARTS.map((part) => ({ name: `parts-${part}`, unit: 'µs' })),
  ],
  async measure(bench, note) {
    const { address } = await bench.shared(mongo);
    const child = new Child<PartRequest, PartReply>(
      bench,
      new URL('../references/parts.js', import.meta.url),
      [],
    );
    for (let round = 1; round <= bench.rounds; round++) {
      const events = bench.size(300_000, 6_000);
      const topic = await Topic.create(bench, `parts-${round}`);
      await topic.send(backlog(`parts-${round}`, events));
      const { ours, redisUrl, stop } = await countedBy(bench, topic, `${address}/parts_${round}`, events);
      const { brokers, name } = topic;
      const asked: PartRequest[] = [
        { part: 'read', brokers, topic: name, events },
        { part: 'insert', mongoUri: `${address}/parts_insert_${round}` },
        { part: 'apply', redisUrl },
      ];
      let other = 0;
      for (const request of asked) {
        const { us } = await child.ask(request);
        note(`parts-${request.part}`, { ours: us });
        other += us;
      }
      note('parts', { ours, other });
      await stop();
    }
  },
};

/** Counts a topic. @returns the processor time of ingest for an event once it is warm, µs */
async function countedBy(bench: Bench, topic: Topic, mongoUri: string, events: number) {
  const began = { events: 0, cpu: 0 };
  const counted = await countTopic(bench, topic, mongoUri, events, {}, async (ingest) => {
    const isWarm = async () => {
      began.events = await topic.committed();
      began.cpu = ingest.cpuSeconds() ?? Number.NaN;
      return began.events >= WARM * events;
    };
    await until('ingest is warm', isWarm, { withinMs: 60_000, everyMs: 20 });
  });
  const cpu = (counted.ingest.cpuSeconds() ?? Number.NaN) - began.cpu;
  return {
    ours: (cpu / (events - began.events)) * 1e6,
    redisUrl: counted.env.REDIS_URL,
    stop: () => counted.stop(),
  };
}
