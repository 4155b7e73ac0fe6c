import { setTimeout as sleep } from 'node:timers/promises';
import type { CallVersion } from '@calltally/domain';
import { uniqueName } from '@calltally/stack/testing';
import { cutAt, type Store } from '@calltally/store';
import { test } from 'tap';
import { eraseUser, fillUntilComplete, type LedgerContext, recordBatch, restoreBatch } from '../src/index.ts';
import { bound, callOf, testWorld, type World } from './support.ts';

interface TopicEvent {
  offset: number;
  call: CallVersion;
}

/** A topic of two partitions as an eraser and its consumers see it. */
class Topic {
  readonly events: TopicEvent[][] = [[], []];

  send(partition: number, call: CallVersion): void {
    const events = this.events[partition]!;
    events.push({ offset: events.length, call });
  }

  ends() {
    return this.events.map((events, partition) => ({ partition, offset: events.length - 1 }));
  }
}

/** Ledgers of several processes, each with a store of its own, which knows nothing of erasures at first. */
async function processes(world: World) {
  const { session, generations } = await world.begin();
  return (replaced: (store: Store) => Partial<Store> = () => ({})): LedgerContext => {
    const store = world.connect();
    return { store: bound(store, replaced(store)), session, generations };
  };
}

/** A process that knows of nobody who was erased, and is killed when it has written. */
async function killedBeforeItLooks(another: Awaited<ReturnType<typeof processes>>): Promise<LedgerContext> {
  let isLooking = false;
  const killed = another(({ erasures }) => ({
    erasures: bound(erasures, {
      async refresh() {
        if (isLooking) throw new Error('killed');
        isLooking = true;
        return erasures.refresh();
      },
    }),
  }));
  await killed.store.erasures.refresh();
  return killed;
}

function eraserOf(ledger: LedgerContext, topic: Topic, onStep: (step: string) => void = () => {}) {
  return {
    store: ledger.store,
    use: <T>(work: (one: LedgerContext) => Promise<T>) => work(ledger),
    endsOf: async () => topic.ends(),
    onStep,
    signal: new AbortController().signal,
  };
}

const rowsOf = ({ db }: World, userId: string) =>
  db
    .collection('calls')
    .find({ user_id: userId })
    .map(({ source }) => source.offset)
    .toArray();

/** Records a whole partition. */
async function record(ledger: LedgerContext, topic: Topic, partition: number, from = 0) {
  const events = topic.events[partition]!.slice(from);
  if (events.length === 0) return;
  await recordBatch(ledger, { topicEpoch: 0, partition, events, through: events.at(-1)!.offset });
}

test('a row that is written after the user was erased is deleted by its writer', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  topic.send(0, callOf(userId));
  await record(another(), topic, 0);
  // It decides to write, and then the whole erasure takes place. Nothing waits for a replay.
  let isErased = false;
  const replay = another(({ calls }) => ({
    calls: bound(calls, {
      async allPresent() {
        if (!isErased) await eraseUser(eraserOf(another(), topic), userId);
        isErased = true;
        return false;
      },
    }),
  }));
  const batch = { topicEpoch: 0, partition: 0, events: topic.events[0]! };
  t.same((await restoreBatch(replay, batch)).outcomes, ['erased']);
  t.same(await rowsOf(world, userId), []);
});

test('a row that a killed process wrote when another had done its batch is deleted at last', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  topic.send(0, callOf(userId));
  topic.send(1, callOf(uniqueName('other')));
  const killed = await killedBeforeItLooks(another);
  const steps: string[] = [];
  const erasing = eraseUser(
    eraserOf(another(), topic, (step) => steps.push(step)),
    userId,
  );
  while (!steps.includes('deleted')) await sleep(5);
  await record(another(), topic, 0);
  await t.rejects(record(killed, topic, 0), { message: 'killed' });
  t.same(await rowsOf(world, userId), [0]);
  t.notOk(steps.includes('stored'), 'another partition is waited for');
  await record(another(), topic, 1);
  await erasing;
  t.same(await rowsOf(world, userId), []);
});

test('an event that is dropped deletes what it had brought before a kill', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  const killed = await killedBeforeItLooks(another);
  const { erasures } = another().store;
  // From beyond the ends that the deletion went by.
  const erasure = await erasures.begin(userId);
  topic.send(0, callOf(userId));
  await t.rejects(record(killed, topic, 0), { message: 'killed' });
  t.same(await rowsOf(world, userId), [0]);
  await erasures.close(erasure);
  await erasures.finish(erasure, { stream: 0, ends: topic.ends() });
  await record(another(), topic, 0);
  t.same(await rowsOf(world, userId), []);
  topic.send(0, topic.events[0]![0]!.call);
  await record(another(), topic, 0, 1);
  t.same(await rowsOf(world, userId), [1], 'the same call counts, as that of a new user');
});

test('events wait while the ends are read, and another process goes on after a kill', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  const eraser = another();
  // Killed between closing and finishing.
  await eraser.store.erasures.close(await eraser.store.erasures.begin(userId));
  const call = callOf(userId);
  topic.send(0, call);
  const ends = topic.ends();
  topic.send(0, call);
  const events = topic.events[0]!;
  const recording = recordBatch(another(), { topicEpoch: 0, partition: 0, events, through: 1 });
  await sleep(100);
  t.same(await rowsOf(world, userId), [], 'nothing is written yet');
  await eraseUser({ ...eraserOf(another(), topic), endsOf: async () => ends }, userId);
  t.same((await recording).outcomes, ['erased', 'inserted']);
  t.same(await rowsOf(world, userId), [1]);
});

test('a call of the new user counts, though it met a row of the erased one', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  const call = callOf(userId);
  topic.send(0, call);
  await record(another(), topic, 0);
  await eraseUser(eraserOf(another(), topic), userId);
  topic.send(1, { ...call, revision: 2, durationMs: 7_000 });
  // A process that does not know yet writes the erased row when the new one is about to be inserted, and deletes it again.
  let isLate = true;
  const { erasedCalls, erasures } = another().store;
  const late = another(({ calls }) => ({
    calls: bound(calls, {
      async insert(rows) {
        if (!isLate || rows.length === 0) return calls.insert(rows);
        isLate = false;
        const source = { stream: 0, partition: 0, offset: 0 };
        await world.store.calls.insert([{ ...rows[0]!, revision: 0, source }]);
        const standing = await calls.insert(rows);
        await erasedCalls.deleteOf((await erasures.of([userId])).get(userId)!, [rows[0]!._id]);
        return standing;
      },
    }),
  }));
  await late.store.erasures.refresh();
  await record(late, topic, 1);
  t.notOk(isLate, 'it met the erased row');
  const [sum] = await world.store.tallies.sumByRange(
    userId,
    [{ from: 0, until: 8.64e15 }],
    cutAt(await world.store.progress.storedThrough()),
  );
  t.match(sum, { calls: 1, durationMs: 7_000 });
  t.equal(await world.db.collection('corrections').countDocuments({ user_id: userId }), 0);
});

test('a Redis that is back in an older state has nothing of an erased user', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user%}');
  topic.send(0, callOf(userId));
  const ledger = another();
  await record(ledger, topic, 0);
  await fillUntilComplete(ledger, [userId]);
  const keys = await world.admin.keys('ct2:{*');
  const dump = await Promise.all(keys.map((key) => world.admin.dumpBuffer(key)));
  const generation = await world.admin.dumpBuffer('ct2:ledger:{0}');
  await eraseUser(eraserOf(ledger, topic), userId);
  const tag = userId.replace(/[%}]/g, encodeURIComponent);
  const own = async () => (await world.admin.keys('*')).filter((key) => key.includes(tag));
  t.same(await own(), []);
  for (const [i, key] of keys.entries()) await world.admin.restore(key, 0, dump[i]!, 'REPLACE');
  await world.admin.restore('ct2:ledger:{0}', 0, generation!, 'REPLACE');
  t.not((await own()).length, 0);
  const { erased } = [...(await world.begin()).generations.values()][0]!;
  t.equal(erased, 0, 'it had noted nothing');
  t.same(await own(), []);
  t.ok([...(await world.begin()).generations.values()][0]!.erased > 0, 'and follows the list now');
});

test('two partitions that both write corrections of an erased user leave none', async (t) => {
  const world = await testWorld(t);
  const another = await processes(world);
  const topic = new Topic();
  const userId = uniqueName('user');
  const call = callOf(userId);
  for (let revision = 0; revision < 8; revision++) topic.send(revision % 2, { ...call, revision });
  // Neither knows yet. One deletes the beginning of the chain before the other has written its end.
  const [one, two] = [another(), another()];
  await Promise.all([one, two].map(({ store }) => store.erasures.refresh()));
  let isErased = false;
  const late = bound(two.store, {
    progress: bound(two.store.progress, {
      async advanceStored(...given) {
        if (!isErased) {
          isErased = true;
          const erasure = await world.store.erasures.begin(userId);
          await world.store.erasures.close(erasure);
          await world.store.erasures.finish(erasure, { stream: 0, ends: topic.ends() });
          const lowest = { user_id: userId, _id: { $lt: `${userId}\u001f${call.callId}\u001f3` as never } };
          for (const name of ['calls', 'corrections']) await world.db.collection(name).deleteMany(lowest);
        }
        return two.store.progress.advanceStored(...given);
      },
    }),
  });
  await record(one, topic, 0);
  await record({ ...two, store: late }, topic, 1);
  await record(another(), topic, 0);
  const left = await world.db.collection('corrections').find({ user_id: userId }).toArray();
  t.same(left, []);
  t.same(await rowsOf(world, userId), []);
});
