import {
  applyEvents,
  beginGenerations,
  type CounterSession,
  forgetUsers,
  type Generations,
  installUsers,
  leaseUsers,
  markPartition,
  readGenerations,
  snapshotUsers,
} from '@calltally/counters';
import { dayOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { DAY_MS, holds, testWorld } from '../support.ts';
import { LuaScripts } from './lua.ts';
import { FAITHFUL_RUNS, Prompt, sorted } from './prompt.ts';
import { openSession, RedisServer } from './redis.ts';
import { plain } from './turns.ts';

const COMMANDS_MAX = 25;
const USERS = ['u-a', 'u-b'];
const PARTITIONS = ['0:0', '0:1'];
const SCRIPTS = new LuaScripts();
const NOW_MS = Date.now();
const TODAY = dayOf(NOW_MS);

const user = fc.constantFrom(...USERS);
const partition = fc.constantFrom(...PARTITIONS);
const offset = fc.integer({ min: -1, max: 6 });
/** Days of this month, of another year, and such as are no longer kept. */
const day = fc.constantFrom(TODAY, TODAY - 1, TODAY - 40, TODAY - 400, TODAY - 900);
const lease = fc.constantFrom('first', 'second');
const ms = fc.integer({ min: 0, max: 1_000_000_000 });

const recount = fc.record({
  user,
  lease,
  stored: fc.dictionary(partition, fc.nat(6)),
  days: fc.array(fc.tuple(day, fc.record({ calls: fc.nat(9), durationMs: ms })), { maxLength: 3 }),
});
const events = fc.array(fc.record({ offset: fc.nat(6), day, durationMs: ms }), {
  minLength: 1,
  maxLength: 4,
});

/** Mostly recounts and applies, or nobody would be warm for long. */
const command = fc.oneof(
  ...[
    fc.record({ kind: fc.constant('begin' as const), replaces: fc.boolean(), partition, offset }),
    fc.record({
      kind: fc.constant('mark' as const),
      partition,
      offset,
      asOfMs: fc.option(ms, { nil: undefined }),
    }),
    fc.record({
      kind: fc.constant('lease' as const),
      user,
      lease,
      evenIfWarm: fc.boolean(),
      respectMs: fc.constantFrom(0, 9),
    }),
    recount.map((given) => ({ kind: 'install' as const, ...given })),
    fc.record({ kind: fc.constant('forget' as const), user }),
    fc.record({ kind: fc.constant('flush' as const) }),
  ].map((arbitrary) => ({ weight: 1, arbitrary })),
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('apply' as const), user, partition, events }) },
  { weight: 4, arbitrary: recount.map((given) => ({ kind: 'recount' as const, ...given })) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One of the two that are compared: the session, what it began with, and how to empty its Redis. */
interface Side {
  session: CounterSession;
  generations: Generations;
  flush(): Promise<void>;
}

async function run(side: Side, given: Command): Promise<unknown> {
  const { session, generations } = side;
  switch (given.kind) {
    case 'begin': {
      const replacing = new Set(given.replaces ? [...generations.values()].map(({ id }) => id) : []);
      const through = new Map([[given.partition, given.offset]]);
      side.generations = await beginGenerations(session, { retentionMonths: 25, through, replacing });
      return undefined;
    }
    case 'mark':
      return markPartition(session, generations, { ...given, through: given.offset });
    case 'apply': {
      const events = given.events
        .map((event) => ({ ...event, startedAt: event.day * DAY_MS }))
        .sort((a, b) => a.offset - b.offset);
      return applyEvents(session, generations, given.partition, [{ userId: given.user, events }]);
    }
    case 'lease':
      return leaseUsers(session, generations, [given.user], given.lease, NOW_MS, given);
    case 'recount':
      return [
        await run(side, { ...given, kind: 'lease', evenIfWarm: true, respectMs: 0 }),
        await run(side, { ...given, kind: 'install' }),
      ];
    case 'install': {
      const stored = new Map(Object.entries(given.stored));
      const counted = {
        userId: given.user,
        days: new Map(given.days),
        partitions: new Set(stored.keys()),
        lastStartedAt: NOW_MS,
      };
      return installUsers(session, generations, [counted], stored, given.lease, NOW_MS);
    }
    case 'forget':
      return forgetUsers(session, [given.user]);
    case 'flush':
      return side.flush();
  }
}

/** What a command answered, and what is there afterwards; ids are told by whether they are those begun with. */
async function told(side: Side, given: Command): Promise<string> {
  const reply = await run(side, given).catch((thrown) => thrown.code ?? String(thrown));
  const { session, generations } = side;
  const there = [...(await readGenerations(session)).values()].map(({ id, ...rest }) => [
    id === [...generations.values()][0]?.id,
    rest.retentionMonths,
    sorted(rest.marks),
    sorted(rest.asOf),
  ]);
  const users = (await snapshotUsers(session, generations, USERS, NOW_MS)).map(
    (one) => one && { ...one, applied: sorted(one.applied), buckets: sorted(one.buckets) },
  );
  return plain([reply, there, users]);
}

test('the Redis of the model answers as Redis does, and keeps the same', async (t) => {
  const world = await testWorld(t);
  const session = await world.open();
  const property = fc.asyncProperty(
    fc.array(command, { minLength: 5, maxLength: COMMANDS_MAX, size: 'max' }),
    async (commands) => {
      await world.admin.flushall();
      const server = new RedisServer(SCRIPTS);
      const real: Side = {
        session,
        generations: new Map(),
        flush: async () => void (await world.admin.flushall()),
      };
      const model: Side = {
        session: openSession(new Prompt('model'), server),
        generations: new Map(),
        flush: async () => server.putBack(new Map()),
      };
      const first: Command = { kind: 'begin', replaces: false, partition: '0:0', offset: -1 };
      for (const given of [first, ...commands]) {
        const [wanted, found] = [await told(real, given), await told(model, given)];
        if (wanted !== found) throw new Error(`${plain(given)}:\nRedis ${wanted}\nmodel ${found}`);
      }
    },
  );
  await holds(t, property, FAITHFUL_RUNS);
});
