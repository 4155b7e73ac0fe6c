import { applyEvents, readGenerations } from '@calltally/counters';
import type { CallVersion } from '@calltally/domain';
import { partitionId, type Source, toRow } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import {
  auditUsers,
  discardCounters,
  type LedgerContext,
  recordBatch,
  reopen,
  replaceUsers,
  type SumsAt,
  sumsOfTopic,
  type TopicEvent,
  TopicSums,
} from '../src/index.ts';
import { batchOf, bothOf, callOf, callsIn, holds, testWorld, type World } from './support.ts';

let partitionsUsed = 10;

/** A topic of two partitions as arrays, with numbers of its own, and a reader of it. */
function topicOf({ store }: World) {
  const first = partitionsUsed;
  partitionsUsed += 2;
  const logs = new Map<number, TopicEvent[]>([
    [first, []],
    [first + 1, []],
  ]);
  const sums = new TopicSums(store, 0, 0);
  const readOn = async () => {
    for (const [partition, log] of logs) sums.add(partition, [...log]);
  };
  return {
    sums,
    logs,
    readOn,
    sumsAt: sumsOfTopic(sums, readOn),
    /** Stores everything on it. */
    cut: new Map([...logs.keys()].map((partition) => [partitionId(0, partition), 999])),
    put(one: 0 | 1, call: CallVersion, takenAtMs = Date.now()): Source {
      const log = logs.get(first + one)!;
      log.push({ offset: log.length, takenAtMs, call });
      return { stream: 0, partition: first + one, offset: log.length - 1 };
    },
  };
}

test('sums of the topic', async (t) => {
  const world = await testWorld(t);
  const { store } = world;
  const ledger = await world.begin();
  const count = ({ partition, offset }: Source, call: CallVersion) =>
    recordBatch(ledger, batchOf(partition, [{ offset, call }]));
  const callsOf = async (userId: string) => callsIn((await bothOf(world, ledger, userId))!.counters);

  await t.test(
    'a stored event does not count while another event of its call is the canonical one',
    async (t) => {
      const hazard = async (userId: string, readOn?: () => Promise<void>) => {
        const topic = topicOf(world);
        const call = callOf(userId);
        const one = topic.put(0, call);
        await topic.readOn();
        const other = topic.put(1, call);
        // Its consumer inserts the row, and stops before it raises `stored` …
        await store.calls.insert([toRow(call, other)]);
        // … while that of the first partition finds a duplicate of the call, and stores it.
        await count(one, call);
        const sumsAt = sumsOfTopic(topic.sums, readOn ?? topic.readOn);
        t.strictSame(await replaceUsers(ledger, [userId], sumsAt), []);
        // The other consumer goes on: the row names exactly its event.
        await count(other, call);
        return callsOf(userId);
      };
      t.equal(await hazard('u-hazard'), 1);
      t.equal(await hazard('u-twice', async () => {}), 2, 'who does not read on to the ends counts it twice');
    },
  );

  await t.test(
    'the event that Mongo names counts; changed ones change nothing, and other users have their own',
    async (t) => {
      const topic = topicOf(world);
      const mine = callOf('u-mine', { durationMs: 5_000 });
      const changed = { ...mine, durationMs: 7_000 };
      const foreign = { ...mine, userId: 'u-other' };
      const first = topic.put(0, changed);
      const second = topic.put(0, foreign);
      topic.put(1, mine);
      const last = topic.put(1, mine);
      await count(last, mine);
      await count(first, changed);
      await count(second, foreign);
      const [sum, other] = await topic.sumsAt(['u-mine', 'u-other'], await store.progress.storedThrough());
      t.strictSame([...sum!.days.values()], [{ calls: 1, durationMs: 5_000 }]);
      t.strictSame([...sum!.partitions], [partitionId(0, last.partition)]);
      t.strictSame([...other!.days.values()], [{ calls: 1, durationMs: 5_000 }]);
    },
  );

  await t.test('if Mongo lost a row, the event that Kafka took first counts', async (t) => {
    const topic = topicOf(world);
    const call = callOf('u-lost', { startedAt: 1_700_000_000_000, durationMs: 1 });
    topic.put(0, { ...call, durationMs: 2 }, 1_800_000_000_002);
    topic.put(0, { ...call, durationMs: 3 }, 1_800_000_000_001);
    topic.put(1, { ...call, durationMs: 4 }, 1_800_000_000_001);
    const single = callOf('u-lost', { startedAt: 1_700_000_000_000, durationMs: 10 });
    topic.put(1, single);
    const [sum] = await topic.sumsAt(['u-lost'], topic.cut);
    t.strictSame([...sum!.days.values()], [{ calls: 2, durationMs: 13 }]);
    topic.put(0, { ...call, durationMs: 5 }, 1_800_000_000_000);
    const [later] = await topic.sumsAt(['u-lost'], topic.cut);
    t.strictSame([...later!.days.values()], [{ calls: 2, durationMs: 13 }], 'once, whatever comes later');
  });

  await t.test('a call without a row that also waits is left to ingest', async (t) => {
    const topic = topicOf(world);
    const call = callOf('u-waits', { startedAt: 1 });
    const one = topic.put(0, call);
    const other = topic.put(1, call);
    const [before] = await topic.sumsAt(['u-waits'], new Map([[partitionId(0, one.partition), 0]]));
    t.equal(before!.days.size, 0);
    await store.calls.insert([toRow(call, other)]);
    const [after] = await topic.sumsAt(['u-waits'], topic.cut);
    t.strictSame([...after!.partitions], [partitionId(0, other.partition)]);
  });

  await t.test('an event that starts after Kafka took it counts only if Mongo has it', async (t) => {
    const topic = topicOf(world);
    const [taken, rejected] = [
      callOf('u-ahead', { startedAt: 2_000 }),
      callOf('u-ahead', { startedAt: 3_000 }),
    ];
    const source = topic.put(0, taken, 1_999);
    topic.put(0, rejected, 1_999);
    await store.calls.insert([toRow(taken, source)]);
    const [sum] = await topic.sumsAt(['u-ahead'], topic.cut);
    t.equal(sum!.lastStartedAt, 2_000);
    t.strictSame(
      [...sum!.days.values()].map(({ calls }) => calls),
      [1],
    );
  });

  await t.test(
    'an event that comes while Mongo is asked does not make doubtful what is being summed',
    async (t) => {
      const topic = topicOf(world);
      const [twice, once] = [
        callOf('u-meanwhile', { startedAt: 1 }),
        callOf('u-meanwhile', { startedAt: 2 }),
      ];
      const { partition } = topic.put(0, twice);
      for (const call of [twice, once]) topic.put(0, call);
      const find = async (ids: string[]) => {
        topic.put(1, once);
        sums.add(partition + 1, topic.logs.get(partition + 1)!);
        return store.calls.find(ids);
      };
      const calls = { find } as unknown as typeof store.calls;
      const sums = new TopicSums({ ...store, calls }, 0, 0);
      sums.add(partition, topic.logs.get(partition)!);
      const [sum] = await sums.at(['u-meanwhile'], new Map([[partitionId(0, partition), 9]]));
      t.strictSame([...sum!.days.values()], [{ calls: 2, durationMs: 2_000 }]);
    },
  );

  await t.test('the offsets never go back, and a failure of Mongo changes nothing', async (t) => {
    const topic = topicOf(world);
    const call = callOf('u-cut', { startedAt: 1 });
    const { partition } = topic.put(0, call);
    topic.put(0, call);
    let fails = true;
    const find = async (ids: string[]) => {
      if (fails) throw new Error('away');
      return store.calls.find(ids);
    };
    const calls = { find } as unknown as typeof store.calls;
    const sums = new TopicSums({ ...store, calls }, 0, 0);
    sums.add(partition, topic.logs.get(partition)!);
    await t.rejects(sums.at(['u-cut'], topic.cut), { message: 'away' });
    t.equal(sums.waiting, 2);
    fails = false;
    const [sum] = await sums.at(['u-cut'], topic.cut);
    t.strictSame([...sum!.days.values()], [{ calls: 1, durationMs: 1_000 }]);
    await t.rejects(sums.at(['u-cut'], new Map([[partitionId(0, partition), 0]])), { code: 'LEDGER_BEHIND' });
  });

  await t.test('whoever is filled at random times, each call is counted once', async (t) => {
    const step = fc.record({
      one: fc.constantFrom(0 as const, 1 as const),
      call: fc.nat(7),
      user: fc.nat(1),
      hours: fc.nat(60),
      what: fc.constantFrom('put', 'put', 'insert', 'count', 'replace'),
    });
    const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const topic = topicOf(world);
      const [first] = topic.logs.keys();
      const users = [`u-a-${first}`, `u-b-${first}`];
      const next = [0, 0];
      const sourceOf = (one: number) => ({ stream: 0, partition: first! + one, offset: next[one]! });
      const following = (one: number) => topic.logs.get(first! + one)![next[one]!];
      const countNext = async (one: number) => {
        await count(sourceOf(one), following(one)!.call);
        next[one]! += 1;
      };
      for (const { one, call, user, hours, what } of steps) {
        const event = following(one);
        if (what === 'replace') await replaceUsers(ledger, users, topic.sumsAt);
        if (what === 'count' && event !== undefined) await countNext(one);
        if (what === 'insert' && event !== undefined) {
          await store.calls.insert([toRow(event.call, sourceOf(one))]);
        }
        if (what !== 'put') continue;
        const startedAt = Date.now() - hours * 3_600_000;
        topic.put(one, { callId: `c-${first}-${call}`, userId: users[user]!, startedAt, durationMs: hours });
      }
      if ((await replaceUsers(ledger, users, topic.sumsAt)).length > 0) throw new Error('not replaced');
      for (const one of [0, 1]) while (following(one) !== undefined) await countNext(one);
      const { differences, cold } = await auditUsers(ledger, users);
      if (differences.length + cold.length > 0) throw new Error(JSON.stringify({ differences, cold }));
    });
    await holds(t, property, 60);
  });

  await t.test(
    'the sums are filled although others reopen users; who is reopened all the time is reported',
    async (t) => {
      const topic = topicOf(world);
      const call = callOf('u-busy', { startedAt: 1 });
      await count(topic.put(0, call), call);
      let overtakes = 3;
      const overtaken: SumsAt = async (userIds, stored) => {
        if (overtakes-- > 0) await reopen(ledger, userIds);
        return topic.sumsAt(userIds, stored);
      };
      t.strictSame(await replaceUsers(ledger, ['u-busy'], overtaken), []);
      t.equal(overtakes, -1);
      overtakes = Number.POSITIVE_INFINITY;
      t.strictSame(await replaceUsers(ledger, ['u-busy'], overtaken), ['u-busy']);
    },
  );

  await t.test('counters discarded: nobody is known, and counting goes on where it was', async (t) => {
    await count({ stream: 0, partition: 1, offset: 100 }, callOf('u-known'));
    await discardCounters(ledger, 0, [0, 1]);
    const generations = await readGenerations(ledger.session);
    const [now] = [...generations.values()];
    t.not(now!.id, [...ledger.generations.values()][0]!.id);
    t.equal(now!.retentionMonths, [...ledger.generations.values()][0]!.retentionMonths);
    t.equal(now!.checkpoints.get('0:1'), 100);
    const after: LedgerContext = { ...ledger, generations };
    t.equal(await bothOf(world, after, 'u-known'), undefined);
    const events = [{ userId: 'u-known', events: [{ offset: 101, startedAt: 1, durationMs: 1 }] }];
    t.strictSame(await applyEvents(ledger.session, generations, '0:1', events), ['unknown']);
    t.match(await auditUsers(after, ['u-known']), { cold: ['u-known'], differences: [] });
  });
});
