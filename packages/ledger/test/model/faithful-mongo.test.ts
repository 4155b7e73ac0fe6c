import { dayOf } from '@calltally/domain';
import { type CallRow, partitionId, type Store, toRow } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { DAY_MS, holds, testWorld } from '../support.ts';
import { MongoServer, openModelStore } from './mongo.ts';
import { FAITHFUL_RUNS, Prompt, sorted } from './prompt.ts';
import { plain } from './turns.ts';

const COMMANDS_MAX = 25;
const USERS = ['u-a', 'u-b'];
const TODAY = dayOf(Date.now());

/** As pieces are: the newest has no upper end, the oldest no lower one, and a call starts at a bound. */
const RANGES = [
  { from: (TODAY - 1) * DAY_MS, until: Infinity },
  { from: (TODAY - 400) * DAY_MS, until: (TODAY - 1) * DAY_MS },
  { from: -Infinity, until: (TODAY - 400) * DAY_MS },
];

const user = fc.constantFrom(...USERS);
const day = fc.constantFrom(TODAY, TODAY - 1, TODAY - 400);
const ms = fc.integer({ min: 0, max: 1_000_000_000 });
const offset = fc.integer({ min: -1, max: 6 });
const row = fc.record({
  call: fc.nat(5),
  user,
  day,
  durationMs: ms,
  partition: fc.nat(1),
  offset: fc.nat(6),
});
const write = fc.oneof(
  fc.record({
    kind: fc.constantFrom('insert' as const, 'insertMissing' as const, 'allPresent' as const),
    rows: fc.array(row, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ kind: fc.constant('raise' as const), partition: fc.nat(1), offset }),
);
type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

/** What a write answered, and what the store tells afterwards of this run's users and topic epoch. */
async function writtenTo(store: Store, stream: number, given: Write): Promise<string> {
  const nameOf = (userId: string) => `${userId}-${stream}`;
  const rowOf = (one: typeof row extends fc.Arbitrary<infer T> ? T : never): CallRow =>
    toRow(
      {
        callId: `c${one.call}-${stream}`,
        userId: nameOf(one.user),
        startedAt: one.day * DAY_MS,
        durationMs: one.durationMs,
      },
      { stream, partition: one.partition, offset: one.offset },
    );
  const reply =
    given.kind === 'raise'
      ? await store.progress.advanceStored(stream, given.partition, given.offset)
      : await store.calls[given.kind](given.rows.map(rowOf));
  const stored = new Map(
    [...(await store.progress.storedThrough())].filter(([key]) =>
      key.startsWith(partitionId(stream, 0).slice(0, -1)),
    ),
  );
  const cut = stored.size > 0 ? stored : new Map([[partitionId(stream, 0), 3]]);
  const users = USERS.map(nameOf);
  const summed = await Promise.all([
    store.tallies.sumByDayAndPartition(users, cut),
    ...RANGES.map((range) => store.tallies.sumByDayAndPartition(users, cut, { range })),
  ]);
  const tallies = summed.map((some) => some.map((tally) => plain(tally)).sort());
  const older = await Promise.all(users.map((userId) => store.tallies.startsBefore(userId, TODAY * DAY_MS)));
  return plain([reply, sorted(stored), tallies, older]);
}

test('the Mongo of the model replies and stores as Mongo does', async (t) => {
  const { store } = await testWorld(t);
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
    },
  );
  await holds(t, property, FAITHFUL_RUNS);
});
