import { firstDayOfWrittenDetail } from '@calltally/counters';
import { type CellFilter, DAY_SLOTS, DIMENSIONS, type Dimension, dayOf } from '@calltally/domain';
import {
  type CallContent,
  type CallRow,
  type CorrectionRow,
  type Cut,
  correctionId,
  cutAt,
  partitionId,
  rowId,
  type Store,
  toRow,
} from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { DAY_MS, holds, testWorld } from '../support.ts';
import { MongoServer, openModelStore } from './mongo.ts';
import { FAITHFUL_RUNS, Prompt, sorted } from './prompt.ts';
import { plain } from './turns.ts';

const COMMANDS_MAX = 16;
const HOUR_MS = 3_600_000;
const USERS = ['u-a', 'u-b'];
const TODAY = dayOf(Date.now());

/** As pieces are: the newest has no upper end, the oldest no lower one, and a call starts at a bound. */
const RANGES = [
  { from: (TODAY - 1) * DAY_MS, until: Infinity },
  { from: (TODAY - 400) * DAY_MS, until: (TODAY - 1) * DAY_MS },
  { from: -Infinity, until: (TODAY - 400) * DAY_MS },
];

const BREAKDOWNS: [readonly Dimension[], CellFilter][] = [
  [DIMENSIONS, {}],
  [['agent'], { status: ['failed', ''], direction: ['inbound', ''] }],
  [['status'], { agent: [''] }],
  [['direction', 'status'], { agent: ['ada', 'nobody'] }],
];

const user = fc.constantFrom(...USERS);
const day = fc.constantFrom(TODAY, TODAY - 1, TODAY - 400);
const ms = fc.integer({ min: 0, max: 1_000_000_000 });
const offset = fc.integer({ min: -1, max: 6 });
const source = { partition: fc.nat(1), offset: fc.nat(6) };
const call = { call: fc.nat(3), user };
/** An earlier version wrote an empty agent id where there was none. */
const labels = fc.record(
  {
    agentId: fc.constantFrom('ada', 'bob', ''),
    direction: fc.constant('inbound'),
    status: fc.constantFrom('completed', 'failed'),
  },
  { requiredKeys: [] },
);
const content = fc.option(fc.record({ day, durationMs: ms, labels }), { freq: 3 });
type Content = Valued<typeof content>;

/** At some time of its day. */
function startOf({ day, durationMs }: NonNullable<Content>): number {
  return day * DAY_MS + (durationMs % 4) * 6 * HOUR_MS;
}

const row = fc.record({ ...call, ...source, content });
const correction = fc.record({
  ...call,
  ...source,
  n: fc.integer({ min: 1, max: 4 }),
  plus: content,
  minus: content,
  needs: fc.array(fc.record(source), { maxLength: 2 }),
});
const write = fc.oneof(
  fc.record({
    kind: fc.constantFrom('insert' as const, 'allPresent' as const),
    rows: fc.array(row, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('correct' as const),
    corrections: fc.uniqueArray(correction, {
      minLength: 1,
      maxLength: 4,
      selector: (one) => `${one.user} ${one.call} ${one.n}`,
    }),
  }),
  fc.record({ kind: fc.constant('raise' as const), partition: fc.nat(1), offset }),
);
type Write = Valued<typeof write>;
type Valued<T> = T extends fc.Arbitrary<infer V> ? V : never;

/** Documents of one run, whose users and topic epoch are its own. */
function documentsOf(stream: number) {
  const nameOf = (userId: string) => `${userId}-${stream}`;
  const sourceOf = ({ partition, offset }: { partition: number; offset: number }) => ({
    stream,
    partition,
    offset,
  });
  const idOf = (one: { call: number; user: string }) => ({
    callId: `c${one.call}`,
    userId: nameOf(one.user),
  });
  const contentOf = (given: Content): CallContent | undefined => {
    if (given === null) return undefined;
    const { agentId, ...labels } = given.labels;
    const time = { started_at: new Date(startOf(given)), day: given.day, duration_ms: given.durationMs };
    return { ...time, ...(agentId !== undefined && { agent_id: agentId }), ...labels };
  };
  const rowOf = (one: Valued<typeof row>): CallRow =>
    toRow(
      one.content === null
        ? { ...idOf(one), deleted: true, revision: 1 }
        : {
            ...idOf(one),
            startedAt: startOf(one.content),
            durationMs: one.content.durationMs,
            ...one.content.labels,
          },
      sourceOf(one),
    );
  const correctionOf = (one: Valued<typeof correction>): CorrectionRow => {
    const [plus, minus] = [contentOf(one.plus), contentOf(one.minus)];
    return {
      _id: correctionId(rowId(idOf(one)), one.n),
      user_id: nameOf(one.user),
      revision: one.n,
      ...(plus && { plus }),
      ...(minus && { minus }),
      source: sourceOf(one),
      replaces: sourceOf(one),
      ...(one.needs.length > 0 && { needs: one.needs.map(sourceOf) }),
    };
  };
  return { nameOf, idOf, rowOf, correctionOf };
}

async function replyTo(store: Store, stream: number, given: Write): Promise<unknown> {
  const { rowOf, correctionOf } = documentsOf(stream);
  switch (given.kind) {
    case 'raise':
      return store.progress.advanceStored(stream, given.partition, given.offset);
    case 'correct':
      return [...(await store.corrections.insert(given.corrections.map(correctionOf)))].sort();
    default:
      return store.calls[given.kind](given.rows.map(rowOf));
  }
}

/** What a write answered, and what the store tells afterwards of this run's users and topic epoch. */
async function writtenTo(store: Store, stream: number, given: Write): Promise<string> {
  const reply = await replyTo(store, stream, given);
  const stored = new Map(
    [...(await store.progress.storedThrough())].filter(([key]) =>
      key.startsWith(partitionId(stream, 0).slice(0, -1)),
    ),
  );
  const through = stored.size > 0 ? stored : new Map([[partitionId(stream, 0), 3]]);
  const { nameOf, idOf } = documentsOf(stream);
  const users = USERS.map(nameOf);
  const summed = await Promise.all([
    store.tallies.sumByDayAndPartition(users, through),
    ...RANGES.map((range) => store.tallies.sumByDayAndPartition(users, through, { range })),
    ...[false, true].map((readsFew) => {
      const bounds = { detailFrom: firstDayOfWrittenDetail(Date.now()), readsFew };
      return store.tallies.sumByDayAndPartition(users, through, bounds);
    }),
  ]);
  const tallies = summed.map((some) => some.map((tally) => plain(tally)).sort());
  const cuts: Cut[] = [cutAt(through), { rows: undefined, corrections: through }];
  const ranges = await Promise.all([
    ...cuts.map((cut) => store.tallies.sumByRange(users[0]!, RANGES, cut)),
    store.tallies.sumByRange(users[0]!, RANGES.slice(0, 1), { rows: through, corrections: undefined }),
  ]);
  const broken = await Promise.all(
    BREAKDOWNS.flatMap(([by, filter]) => [
      store.tallies.sumByCell(users[0]!, RANGES, cuts[0]!, by, filter),
      store.tallies.sumByCell(users[0]!, RANGES.slice(1, 2), cuts[1]!, by, filter),
      store.tallies
        .sumBySlot(users[0]!, RANGES, DAY_SLOTS, cuts[1]!, filter)
        .then((found) => found.map((slots) => slots.map(plain).sort())),
      store.tallies.sumByRange(users[0]!, RANGES, cuts[0]!, filter),
    ]),
  );
  const groups = broken.map((some) => some.map((tally) => plain(tally)).sort());
  const older = await Promise.all(users.map((userId) => store.tallies.startsBefore(userId, TODAY * DAY_MS)));
  const chains = await store.corrections.of([0, 1].map((n) => rowId(idOf({ call: n, user: USERS[0]! }))));
  const unmet = [...(await store.corrections.usersWithUnmetNeeds(users, through))].sort();
  return plain([reply, sorted(stored), tallies, ranges, groups, older, chains, unmet]);
}

test('the Mongo of the model replies and stores as Mongo does', async (t) => {
  const { store } = await testWorld(t);
  t.equal(await store.corrections.any(), false);
  t.equal(await openModelStore(new Prompt('model'), new MongoServer()).corrections.any(), false);
  let stream = 0;
  const property = fc.asyncProperty(
    fc.array(write, { minLength: 3, maxLength: COMMANDS_MAX, size: 'max' }),
    async (writes) => {
      stream += 1;
      const model = openModelStore(new Prompt('model'), new MongoServer());
      for (const given of writes) {
        const [wanted, found] = [
          await writtenTo(store, stream, given),
          await writtenTo(model, stream, given),
        ];
        if (wanted !== found) throw new Error(`${plain(given)}:\nMongo ${wanted}\nmodel ${found}`);
      }
      const hasCorrected = writes.some(({ kind }) => kind === 'correct');
      if ((await model.corrections.any()) !== hasCorrected) throw new Error('there is a correction, or none');
    },
  );
  await holds(t, property, FAITHFUL_RUNS);
});
