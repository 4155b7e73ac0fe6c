import type { Document } from 'mongodb';
import { type CommandStartedEvent, MongoClient } from 'mongodb';
import { test } from 'tap';
import type { CorrectionRow, ErasureRow, Store } from '../src/index.ts';
import { openStore } from '../src/index.ts';
import { ALL_ROWS, NOON, rowOf, testStore } from './support.ts';

/*
 * `calls` and `corrections` shard by {user_id: 1, _id: 1}. A query that names users goes to their shards alone; any other
 * goes to all of them.
 */

const SHARDED = ['calls', 'corrections'];
const RANGE = { from: NOON - 1, until: NOON + 1 };
const row = rowOf({ callId: 'a' }, { offset: 0 });
const correction: CorrectionRow = {
  _id: `${row._id}\u001f1`,
  user_id: row.user_id,
  revision: 1,
  minus: { started_at: row.started_at, day: row.day, duration_ms: row.duration_ms },
  source: { stream: 0, partition: 0, offset: 1 },
  replaces: row.source,
};
const THROUGH = new Map([['0:0', 5]]);
const CORRECTED = { rows: THROUGH, corrections: THROUGH };
const ERASURE = {
  _id: 'u-1',
  state: 'erasing',
  count: 1,
  version: 1,
  at: new Date(),
} as ErasureRow;

type Part = 'calls' | 'corrections' | 'tallies' | 'users' | 'erasedCalls';

/** Every method that asks for rows or corrections, in an order in which each finds some. */
const TARGETED: Record<string, (store: Store) => Promise<unknown>> = {
  'calls.insert': ({ calls }) => calls.insert([row, rowOf({ callId: 'b', userId: 'u-2' }, { offset: 2 })]),
  'calls.find': ({ calls }) => calls.find([row._id, 'u-2\u001fb']),
  'corrections.insert': ({ corrections }) => corrections.insert([correction]),
  'corrections.of': ({ corrections }) => corrections.of([row._id]),
  'corrections.usersWithUnmetNeeds': ({ corrections }) => corrections.usersWithUnmetNeeds(['u-1'], THROUGH),
  'tallies.sumByRange': ({ tallies }) => tallies.sumByRange('u-1', [RANGE], CORRECTED),
  'tallies.sumBySlot': ({ tallies }) =>
    tallies.sumBySlot('u-1', [RANGE], { origin: 0, width: 3_600_000 }, CORRECTED),
  'tallies.sumByCell': ({ tallies }) => tallies.sumByCell('u-1', [RANGE], CORRECTED),
  'tallies.durationBins': ({ tallies }) => tallies.durationBins('u-1', RANGE, CORRECTED),
  'tallies.durationsOfBins': ({ tallies }) => tallies.durationsOfBins('u-1', RANGE, [60_000], CORRECTED),
  'tallies.sumByDayAndPartition': ({ tallies }) =>
    Promise.all(
      [false, true].map((readsFew) =>
        tallies.sumByDayAndPartition(['u-1', 'u-2'], THROUGH, { detailFrom: 0, readsFew }),
      ),
    ),
  'tallies.startsBefore': ({ tallies }) => tallies.startsBefore('u-1', NOON),
  'users.callsOf': ({ users }) => users.callsOf('u-1'),
  'erasedCalls.deleteOf': ({ erasedCalls }) => erasedCalls.deleteOf(ERASURE, [row._id]),
  'erasedCalls.deleteThrough': ({ erasedCalls }) =>
    erasedCalls.deleteThrough('u-2', { stream: 0, ends: [{ partition: 0, offset: 5 }] }),
};

/** What only an operator or a new epoch asks for, and whether rows are corrected at all. */
const SCATTERED: Record<string, (store: Store) => Promise<unknown>> = {
  'calls.allPresent': ({ calls }) => calls.allPresent([row]),
  'corrections.any': ({ corrections }) => corrections.any(),
  'users.estimateCalls': ({ users }) => users.estimateCalls(),
  'users.pages': async ({ users }) => {
    for await (const _ of users.pages());
  },
  'users.sample': ({ users }) => users.sample(3),
};

/** What one command asks of a sharded collection: by users, or of all shards. */
function questionsOf({ commandName, command }: CommandStartedEvent): boolean[] {
  if (commandName === 'insert')
    return command.documents.map(
      ({ user_id, _id }: Document) => typeof user_id === 'string' && _id.startsWith(`${user_id}\u001f`),
    );
  if (commandName === 'delete') return command.deletes.map(({ q }: Document) => namesUsers(q));
  if (commandName === 'find') return [namesUsers(command.filter)];
  if (commandName === 'aggregate') return questionsOfPipeline(command.pipeline);
  return [false];
}

function questionsOfPipeline(pipeline: readonly Document[]): boolean[] {
  return [
    namesUsers(pipeline[0]?.$match ?? {}),
    ...pipeline.flatMap(({ $unionWith }) => ($unionWith ? questionsOfPipeline($unionWith.pipeline) : [])),
  ];
}

/** Accumulators with a list, which MongoDB takes for several operands and refuses. Other servers do not. */
function listsIn(stage: unknown): unknown[] {
  if (typeof stage !== 'object' || stage === null) return [];
  const { $group } = stage as Document;
  const { _id, ...sums } = $group ?? {};
  const operands = Object.values(sums as Record<string, Document>).flatMap((sum) => Object.values(sum));
  return [...operands.filter(Array.isArray), ...Object.values(stage).flatMap(listsIn)];
}

function namesUsers({ user_id }: Document): boolean {
  return typeof user_id === 'string' || Array.isArray(user_id?.$in);
}

test('every question about rows names its users, but for those of operators', async (t) => {
  const { db, address } = await testStore(t);
  const commands: CommandStartedEvent[] = [];
  // The store makes its own client, and only the client tells of its commands.
  const { connect } = MongoClient.prototype;
  MongoClient.prototype.connect = function (this: MongoClient) {
    // The driver does not declare it.
    Object.assign(this, { monitorCommands: true });
    this.on('commandStarted', (event) => void commands.push(event));
    return connect.call(this);
  };
  t.teardown(() => {
    MongoClient.prototype.connect = connect;
  });
  const store = openStore({
    uri: address,
    database: db.databaseName,
    timeoutMs: 20_000,
    selectionTimeoutMs: 10_000,
  });
  t.teardown(() => store.close());
  await store.ping();

  const asked = async (ask: (store: Store) => Promise<unknown>) => {
    commands.length = 0;
    await ask(store);
    t.strictSame(
      commands.flatMap(({ command }) => listsIn(command)),
      [],
      'MongoDB takes it',
    );
    const ofRows = commands.filter(
      ({ commandName, command }) => commandName !== 'getMore' && SHARDED.includes(command[commandName]),
    );
    return ofRows.flatMap(questionsOf);
  };
  for (const [name, ask] of Object.entries(TARGETED)) {
    const questions = await asked(ask);
    t.ok(questions.length > 0 && questions.every(Boolean), `${name} asks the shards of its users`);
  }
  t.equal(await db.collection('calls').countDocuments(), 0, 'the deletions found what there was');
  await store.calls.insert([row]);
  for (const [name, ask] of Object.entries(SCATTERED)) {
    t.ok(
      (await asked(ask)).some((targeted) => !targeted),
      `${name} asks all shards`,
    );
  }
  t.strictSame(await store.tallies.sumByRange('u-1', [RANGE], ALL_ROWS), [{ calls: 1, durationMs: 60_000 }]);
});

test('no method that asks for rows is missing above', async (t) => {
  const { store } = await testStore(t);
  const parts: Part[] = ['calls', 'corrections', 'tallies', 'users', 'erasedCalls'];
  const methods = parts.flatMap((part) =>
    Object.getOwnPropertyNames(Object.getPrototypeOf(store[part]))
      .filter((name) => name !== 'constructor')
      .map((name) => `${part}.${name}`),
  );
  t.strictSame([...Object.keys(TARGETED), ...Object.keys(SCATTERED)].sort(), methods.sort());
});
