import { keepsDetail } from '@calltally/counters';
import { type Call, dayOf, firstDayOfMonth, monthOf, startOfDay } from '@calltally/domain';
import { costsOf, inputsOf, redisBytesOfUser } from '@calltally/ops';
import { MongoClient } from 'mongodb';
import type { Bench } from '../bench.ts';
import { kafka } from '../engines.ts';
import type { Figure } from '../results.ts';
import { agentId, labelsOf, USUAL, type Variety } from '../world/labels.ts';
import { eventsInOrder, Topic, topicBytes } from '../world/topic.ts';
import { userIdsUpTo, World } from '../world/world.ts';

interface Kind {
  name: string;
  users: number;
  callsPerDay: number;
  /** Whole months, up to the last one. */
  months: number;
  detail: boolean;
  variety: Variety;
}

const KINDS: readonly Kind[] = [
  { name: '1000', users: 1_000, callsPerDay: 10, months: 2, detail: true, variety: USUAL },
  { name: '10000', users: 10_000, callsPerDay: 1, months: 2, detail: true, variety: USUAL },
  { name: '50000', users: 50_000, callsPerDay: 0.1, months: 3, detail: false, variety: USUAL },
  { name: 'year', users: 100, callsPerDay: 10, months: 12, detail: true, variety: USUAL },
  {
    name: 'cells',
    users: 100,
    callsPerDay: 50,
    months: 4,
    detail: true,
    variety: { agents: 20, directions: 2, statuses: 5 },
  },
];
const ANOTHER = 'another';
const EVENTS = 100_000;
/** The model may promise a tenth too little, and nothing says that it promises too much. */
const MISSED_MAX = 1.1;

/** What `calltally capacity` says of bytes, and what engines hold. */
export const sizes: Figure = {
  name: 'sizes',
  lines: [
    ...KINDS.map(({ name }) => ({ name: `sizes-redis-${name}`, unit: 'MiB', atMost: MISSED_MAX })),
    ...KINDS.map(({ name }) => ({ name: `sizes-mongo-${name}`, unit: 'MiB', atMost: MISSED_MAX })),
    { name: 'sizes-kafka', unit: 'MiB', atMost: MISSED_MAX },
  ],
  // Measured once, because bytes hardly vary.
  async measure(bench, note) {
    for (const kind of KINDS) {
      const { redis, mongo } = await measureStores(bench, kind);
      note(`sizes-redis-${kind.name}`, inMib(redis));
      note(`sizes-mongo-${kind.name}`, inMib(mongo));
    }
    note('sizes-kafka', inMib(await measureKafka(bench)));
  },
};

interface Sizes {
  measured: number;
  predicted: number;
}

async function measureStores(bench: Bench, kind: Kind): Promise<{ redis: Sizes; mongo: Sizes }> {
  const users = bench.size(kind.users, 50);
  bench.say(`${users} users with ${kind.callsPerDay} calls a day for ${kind.months} months …`);
  const world = await World.start(bench, `sizes_${kind.name}`);
  const thisMonth = monthOf(dayOf(Date.now()));
  const range = {
    from: startOfDay(firstDayOfMonth(thisMonth - kind.months)),
    until: startOfDay(firstDayOfMonth(thisMonth)),
  };
  const userIds = userIdsUpTo(users);
  let rows = 0;
  let callIdBytes = 0;
  function* calls() {
    for (const userId of userIds) {
      for (const call of randomCalls(userId, kind, range)) {
        rows += 1;
        callIdBytes += call.callId.length;
        yield call;
      }
    }
  }
  // Scripts and connections take some memory once.
  await world.insert(randomCalls(ANOTHER, kind, range));
  await world.count([ANOTHER], kind.detail);
  await world.insert(calls());
  const emptyBytes = await world.redisBytes();
  await world.count(userIds, kind.detail);
  const inputs = inputsOf({
    ...kind.variety,
    users,
    callsPerDay: kind.callsPerDay,
    detail: kind.detail,
    idBytes: userIds[0]!.length,
    agentIdBytes: agentId(0).length,
    callSeconds: 300,
  });
  const kept = Array.from({ length: kind.months }, (_, i) => thisMonth - 1 - i);
  const detailed = kind.detail ? kept.filter((month) => keepsDetail(month, Date.now())).length : 0;
  const costs = costsOf([], { idBytes: inputs.idBytes, callIdBytes: callIdBytes / rows });
  const client = await new MongoClient(world.mongoUri).connect();
  const { storageSize, totalIndexSize } = await client.db().command({ collStats: 'calls' });
  await client.close();
  return {
    redis: {
      measured: (await world.redisBytes()) - emptyBytes,
      predicted: users * redisBytesOfUser(inputs, { months: kind.months, detailed }),
    },
    mongo: {
      measured: storageSize + totalIndexSize,
      predicted: rows * (costs['mongo-row-bytes'] + costs['mongo-index-bytes']),
    },
  };
}

/** Calls at any time, as many as come by chance. */
function* randomCalls(
  userId: string,
  { callsPerDay, variety }: Kind,
  { from, until }: { from: number; until: number },
): Generator<Call> {
  const labels = labelsOf(variety);
  const meanMs = 86_400_000 / callsPerDay;
  for (let at = from, i = 0; ; i++) {
    at -= Math.log(1 - Math.random()) * meanMs;
    if (at >= until) return;
    yield {
      callId: `${userId}-${i}`,
      userId,
      startedAt: Math.floor(at),
      durationMs: Math.floor(Math.random() * 600_000),
      ...labels[Math.floor(Math.random() * labels.length)],
    };
  }
}

async function measureKafka(bench: Bench): Promise<Sizes> {
  const topic = await Topic.create(bench, 'sizes');
  const count = bench.size(EVENTS, 5_000);
  const events = eventsInOrder('sizes', count, (i) => `user-${i % 1_000}`);
  await topic.send(events.map((event, i) => ({ ...event, agent_id: agentId(i % 3) })));
  const { dataDir } = await bench.shared(kafka);
  const costs = costsOf([], {
    idBytes: averageLength(events.map(({ user_id }) => user_id)),
    callIdBytes: averageLength(events.map(({ call_id }) => call_id)),
  });
  return { measured: topicBytes(dataDir!, topic.name), predicted: count * costs['kafka-event-bytes'] };
}

function averageLength(texts: readonly string[]): number {
  return texts.reduce((sum, { length }) => sum + length, 0) / texts.length;
}

function inMib({ measured, predicted }: Sizes) {
  return { ours: measured / 2 ** 20, other: predicted / 2 ** 20 };
}
