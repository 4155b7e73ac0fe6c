import {
  acquireFillSlot,
  addPieces,
  advanceAsOf,
  applyEvents,
  type CounterSession,
  claimUsers,
  dequeueUsers,
  ensureGenerations,
  type FillProgress,
  forgetUsers,
  type Generations,
  openUsers,
  queuedUsers,
  queueFilling,
  queueUsers,
  readBuckets,
  readCells,
  readFillQueue,
  readFillStatuses,
  readGenerations,
  readSegments,
  releaseFillSlot,
  requeueUsers,
  reserveUsers,
  snapshotUsers,
  writeCheckpoint,
} from '@calltally/counters';
import {
  type CellTally,
  cellKey,
  dayOf,
  firstHalfHourOfDay,
  firstHalfHourOfMonth,
  type HalfHours,
  isoWeekYear,
  monthOf,
  type Segment,
  type SeriesSegment,
  weekOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { DAY_MS, holds, testWorld } from '../support.ts';
import { LuaScripts } from './lua.ts';
import { FAITHFUL_RUNS, Prompt, sorted } from './prompt.ts';
import { openSession, RedisServer } from './redis.ts';
import { plain } from './turns.ts';

const COMMANDS_MAX = 40;
const HOUR_MS = 3_600_000;
const USERS = ['u-a', 'u-b'];
const PARTITIONS = ['0:0', '0:1', '0:10'];
const SCRIPTS = new LuaScripts();
const NOW_MS = Date.now();
const TODAY = dayOf(NOW_MS);

const MONTH = monthOf(TODAY);
const SEGMENTS: Segment[] = [
  { kind: 'month', month: MONTH },
  { kind: 'days', month: monthOf(TODAY - 1), first: 1, last: 28 },
];
const DETAIL_KEY = /:[cdh]:\d+$/;
const SERIES: (SeriesSegment | HalfHours)[] = [
  ...SEGMENTS,
  {
    kind: 'half-hours',
    month: MONTH,
    first: firstHalfHourOfMonth(MONTH) + 5,
    last: firstHalfHourOfMonth(MONTH + 1) - 1,
    sign: 1,
  },
  { kind: 'weeks', isoYear: isoWeekYear(weekOf(TODAY)), first: weekOf(TODAY) - 1, last: weekOf(TODAY) },
];

const user = fc.constantFrom(...USERS);
const partition = fc.constantFrom(...PARTITIONS);
const offset = fc.integer({ min: -1, max: 6 });
/** Days of this month, of another year, and some that are no longer kept. */
const day = fc.constantFrom(TODAY, TODAY - 1, TODAY - 40, TODAY - 400, TODAY - 900);
const ms = fc.integer({ min: 0, max: 1_000_000_000 });
/** Whether a claim or fill is the newest one of the user, or an older one. */
const isNewest = fc.boolean();
const days = fc.array(fc.tuple(day, fc.record({ calls: fc.integer({ min: -3, max: 9 }), durationMs: ms })), {
  maxLength: 3,
});
/** Names of one byte a character and more, known labels and others; numbers of each form. */
const cell = fc.record(
  {
    agentId: fc.constantFrom('ada', 'Zoë, 1', '7'),
    direction: fc.constantFrom('inbound', 'à côté'),
    status: fc.constantFrom('failed', 'n', '不明'),
  },
  { requiredKeys: [] },
);
const cells = fc.array(
  fc.record({
    day,
    cell,
    calls: fc.constantFrom(0, 1, -1, 127, -128, 40_000),
    durationMs: fc.constantFrom(0, 5, 2 ** 23, -(2 ** 31), 2 ** 40),
  }),
  { maxLength: 8, size: 'max' },
);
const halfHours = fc.array(
  fc.tuple(
    fc.tuple(day, fc.nat(47)).map(([day, number]) => firstHalfHourOfDay(day) + number),
    fc.record({
      calls: fc.constantFrom(1, -1, 127, 40_000),
      durationMs: fc.constantFrom(5, 2 ** 23, -(2 ** 31)),
    }),
  ),
  { maxLength: 4 },
);
/** None are kept, fewer than there are, or all. */
const cellsMax = fc.constantFrom(0, 2, 1_000);
const fromMs = fc.constantFrom(-Infinity, (TODAY - 20) * DAY_MS, (TODAY - 60) * DAY_MS + 1);
const sinceMs = fc.constantFrom(Number.MAX_SAFE_INTEGER, NOW_MS - 1, NOW_MS);
const holder = fc.constantFrom('first', 'second', 'third');

const opening = fc.record({ user, isNewest, base: fc.dictionary(partition, fc.nat(6)), fillId: holder });
const piece = fc.record({
  user,
  isNewest,
  days,
  cells,
  halfHours,
  fromMs,
  lastStartedAt: fc.constantFrom(-1, NOW_MS),
  hasCorrections: fc.boolean(),
});
const correction = fc.record({
  sign: fc.constantFrom(1 as const, -1 as const),
  needs: fc.array(fc.record({ partition, through: fc.nat(6) }), { maxLength: 2 }),
});
const events = fc.array(
  fc.record({
    offset: fc.nat(6),
    day,
    time: fc.constantFrom(0, 9 * HOUR_MS, 9.5 * HOUR_MS, DAY_MS - 1),
    durationMs: ms,
    cell: fc.option(cell, { nil: undefined }),
    correction: fc.option(correction, { nil: undefined, freq: 2 }),
  }),
  { minLength: 1, maxLength: 4 },
);

/** Mostly openings, pieces and applies, because otherwise nobody would be known for long. */
const command = fc.oneof(
  ...[
    fc.record({ kind: fc.constant('begin' as const), replaces: fc.boolean(), cellsMax, partition, offset }),
    fc.record({
      kind: fc.constant('checkpoint' as const),
      partition,
      offset,
      asOfMs: fc.option(ms, { nil: undefined }),
    }),
    fc.record({ kind: fc.constant('as-of' as const) }),
    fc.record({ kind: fc.constant('claim' as const), user }),
    opening.map((given) => ({ kind: 'open' as const, ...given })),
    fc.record({ kind: fc.constant('read' as const), user }),
    fc.record({ kind: fc.constant('forget' as const), user }),
    fc.record({ kind: fc.constant('flush' as const) }),
  ].map((arbitrary) => ({ weight: 1, arbitrary })),
  ...[
    fc.record({
      kind: fc.constantFrom('queue' as const, 'queue filling' as const),
      users: fc.uniqueArray(user),
      ms: fc.nat(2),
    }),
    fc.record({ kind: fc.constant('take' as const), empty: fc.nat(2), part: fc.nat(2), ms: fc.nat(99_999) }),
    fc.record({ kind: fc.constantFrom('requeue' as const, 'dequeue' as const), user, sinceMs }),
    fc.record({ kind: fc.constant('slot' as const), holder }),
    fc.record({ kind: fc.constant('release' as const), slot: fc.nat(1), holder }),
  ].map((arbitrary) => ({ weight: 3, arbitrary })),
  { weight: 9, arbitrary: fc.record({ kind: fc.constant('apply' as const), user, partition, events }) },
  { weight: 8, arbitrary: opening.map((given) => ({ kind: 'claim and open' as const, ...given })) },
  { weight: 8, arbitrary: piece.map((given) => ({ kind: 'fill' as const, ...given })) },
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** One of the two sides: the session, its generations, the ids it was told, and how to empty its Redis. */
interface Side {
  session: CounterSession;
  generations: Generations;
  claims: Map<string, string[]>;
  fillings: Map<string, FillProgress[]>;
  flush(): Promise<void>;
  /** Keys of cells, of their days and of half-hours, with their fields and values. */
  detail(): Promise<[string, Map<string, string>][]>;
}

function sideOf(session: CounterSession, engine: Pick<Side, 'flush' | 'detail'>): Side {
  return { session, ...engine, generations: new Map(), claims: new Map(), fillings: new Map() };
}

async function run(side: Side, given: Command): Promise<unknown> {
  const { session, generations } = side;
  switch (given.kind) {
    case 'begin': {
      const replacing = new Set(given.replaces ? [...generations.values()].map(({ id }) => id) : []);
      const through = new Map([[given.partition, given.offset]]);
      const { cellsMax } = given;
      side.generations = await ensureGenerations(session, {
        retentionMonths: 25,
        cellsMax,
        through,
        replacing,
      });
      return undefined;
    }
    case 'checkpoint':
      return writeCheckpoint({ session, generations }, { ...given, through: given.offset });
    case 'as-of': {
      const [master] = session.masters;
      return advanceAsOf(session, master!);
    }
    case 'apply': {
      const events = given.events
        .map(({ day, time, cell, correction, ...event }) => ({
          ...event,
          startedAt: day * DAY_MS + time,
          ...(cell && { cell }),
          ...(correction && { correction }),
        }))
        .sort((a, b) => a.offset - b.offset);
      return applyEvents(session, generations, given.partition, [{ userId: given.user, events }]);
    }
    case 'claim': {
      const [claim] = await claimUsers(session, generations, [given.user], NOW_MS);
      if (typeof claim === 'string') return claim;
      const known = side.claims.get(given.user) ?? [];
      side.claims.set(given.user, known);
      // Ids are random, so they are named by when they were first seen.
      return known.includes(claim!.id) ? known.indexOf(claim!.id) : known.push(claim!.id);
    }
    case 'open': {
      const { user: userId, fillId } = given;
      const claim = pick(side.claims.get(userId), given.isNewest);
      if (claim === undefined) return 'no claim';
      const base = new Map(Object.entries(given.base));
      return openUsers(session, generations, [{ userId, claim, fillId }], base, NOW_MS);
    }
    case 'claim and open':
      return [await run(side, { ...given, kind: 'claim' }), await run(side, { ...given, kind: 'open' })];
    case 'fill': {
      const { user: userId, days, cells, halfHours, lastStartedAt, hasCorrections, fromMs } = given;
      const filling = pick(side.fillings.get(userId), given.isNewest);
      if (filling === undefined) return 'no fill';
      const partitions = new Set(filling.base.keys());
      const detail = { cells, halfHours };
      const sums = { userId, days: new Map(days), detail, partitions, lastStartedAt, hasCorrections };
      return addPieces(session, generations, [{ filling, sums, fromMs }]);
    }
    case 'read':
      return [
        await readBuckets(session, generations, given.user, NOW_MS, [{ kind: 'month', month: MONTH }]),
        await readSegments(session, generations, given.user, NOW_MS, SERIES),
        await cellsOf(side, given.user),
      ];
    case 'forget':
      return forgetUsers(session, [given.user]);
    case 'flush':
      return side.flush();
    case 'queue':
      return queueUsers(session, given.users, NOW_MS + given.ms);
    case 'queue filling':
      return queueFilling(session, given.users, NOW_MS + given.ms);
    case 'take':
      return reserveUsers(session, given, NOW_MS + given.ms);
    case 'requeue':
      return requeueUsers(session, new Map([[given.user, { sinceMs: given.sinceMs, openedAtMs: NOW_MS }]]));
    case 'dequeue':
      return dequeueUsers(session, new Map([[given.user, { sinceMs: given.sinceMs, openedAtMs: NOW_MS }]]));
    case 'slot':
      return acquireFillSlot(session, 2, given.holder);
    case 'release':
      return releaseFillSlot(session, given.slot, given.holder);
  }
}

async function cellsOf({ session, generations }: Side, userId: string): Promise<unknown> {
  const reading = await readCells(session, generations, userId, NOW_MS, SEGMENTS);
  return reading && [{ ...reading }, SEGMENTS.map((segment) => byCell(reading.of(segment)))];
}

function byCell(tallies: readonly CellTally[]): string[] {
  return tallies.map((tally) => plain([cellKey(tally.cell), tally])).sort();
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((field, i) => (i % 2 === 0 ? [[field, flat[i + 1]!]] : []));
}

function pick<T>(known: readonly T[] | undefined, isNewest: boolean): T | undefined {
  return isNewest ? known?.at(-1) : known?.at(-2);
}

/** What a command replied, and what is stored afterwards. Of ids only whether they are those of the start. */
async function told(side: Side, given: Command): Promise<string> {
  const reply = await run(side, given).catch((thrown) => thrown.code ?? String(thrown));
  const { session, generations, fillings } = side;
  const there = [...(await readGenerations(session)).values()].map(({ id, ...rest }) => [
    id === [...generations.values()][0]?.id,
    rest.retentionMonths,
    rest.cellsMax,
    sorted(rest.checkpoints),
    sorted(rest.asOf),
  ]);
  const users = (await snapshotUsers(session, generations, USERS, NOW_MS)).map(
    (one) =>
      one && {
        ...one,
        applied: sorted(one.appliedThrough),
        buckets: sorted(one.buckets),
        halfHours: [...one.halfHours].sort(([a], [b]) => a - b),
        cells: [...one.cells]
          .sort(([a], [b]) => a - b)
          .map(([month, { isBeyond, sums, days }]) => [
            month,
            isBeyond,
            byCell(sums),
            [...days].sort(([a], [b]) => a - b).map(([day, tallies]) => [day, byCell(tallies)]),
          ]),
      },
  );
  const hashes = (await side.detail()).map(([key, hash]) => [key, sorted(hash)]).sort();
  const standings = await readFillStatuses(session, generations, USERS);
  standings.forEach((standing, i) => {
    if (typeof standing === 'string') return;
    const known = fillings.get(USERS[i]!) ?? [];
    fillings.set(USERS[i]!, known);
    if (plain(known.at(-1)) !== plain(standing)) known.push(standing);
  });
  const queue = [await readFillQueue(session), await queuedUsers(session, USERS.length)];
  return plain([reply, there, users, hashes, standings, queue]);
}

test('the Redis of the model replies and stores as Redis does', async (t) => {
  const world = await testWorld(t);
  const session = await world.open();
  const property = fc.asyncProperty(
    cellsMax,
    fc.array(command, { minLength: 5, maxLength: COMMANDS_MAX, size: 'max' }),
    async (firstCellsMax, commands) => {
      await world.admin.flushall();
      const server = new RedisServer(SCRIPTS);
      const real = sideOf(session, {
        flush: async () => void (await world.admin.flushall()),
        detail: async () => {
          const keys = (await world.admin.keys('ct2:{u-*')).filter((key) => DETAIL_KEY.test(key));
          return Promise.all(
            keys.map(async (key): Promise<[string, Map<string, string>]> => {
              const flat = await world.admin.callBuffer('HGETALL', key);
              return [key, new Map(pairs((flat as Buffer[]).map((part) => part.toString('latin1'))))];
            }),
          );
        },
      });
      const model = sideOf(openSession(new Prompt('model'), server), {
        flush: async () => server.putBack(new Map()),
        detail: async () => [...server.hashes].filter(([key]) => DETAIL_KEY.test(key)),
      });
      const first: Command = {
        kind: 'begin',
        replaces: false,
        cellsMax: firstCellsMax,
        partition: '0:0',
        offset: -1,
      };
      for (const given of [first, ...commands]) {
        const [wanted, found] = [await told(real, given), await told(model, given)];
        if (wanted !== found) throw new Error(`${plain(given)}:\nRedis ${wanted}\nmodel ${found}`);
      }
    },
  );
  await holds(t, property, FAITHFUL_RUNS);
});
