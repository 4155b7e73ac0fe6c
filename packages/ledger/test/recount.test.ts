import { setImmediate as turn } from 'node:timers/promises';
import { applyEvents, type CounterSession, readGenerations } from '@calltally/counters';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { record, recounted, recountUsers } from '../src/index.ts';
import { batchOf, bothOf, callOf, callsIn, DAY_MS, testWorld } from './support.ts';

const ANYWAY = { evenIfWarm: true, respectMs: 0 };

test('recounting', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;

  await t.test('counters become what the rows say, through stored, for any number of users', async (t) => {
    const books = await world.begin();
    const users = Array.from({ length: 450 }, (_, i) => `u-many-${i}`);
    const calls = users.flatMap((userId, i) =>
      Array.from({ length: i % 4 }, (_, j) => callOf(userId, { startedAt: Date.now() - i * j * 3_600_000 })),
    );
    await store.calls.insert(
      calls.map((call, offset) => toRow(call, { stream: 0, partition: offset % 2, offset })),
    );
    await store.progress.raise(0, 0, calls.length);
    await store.progress.raise(0, 1, calls.length - 100);
    const outcomes = await recountUsers(books, users, ANYWAY);
    t.strictSame(new Set(outcomes.values()), new Set(['installed']));
    t.equal(outcomes.size, users.length);
    let counted = 0;
    for (const userId of users) {
      const both = (await bothOf(world, books, userId))!;
      t.strictSame(both.counters, both.rows);
      for (const offset of both.applied.values()) t.ok(offset >= calls.length - 100);
      counted += callsIn(both.counters);
    }
    const beyond = calls.filter((_, offset) => offset % 2 === 1 && offset > calls.length - 100).length;
    t.equal(counted, calls.length - beyond, 'rows beyond stored wait for their apply');
  });

  await t.test('users without rows are known to have no calls', async (t) => {
    const books = await world.begin();
    t.strictSame(await recountUsers(books, ['u-nobody'], ANYWAY), new Map([['u-nobody', 'installed']]));
    t.strictSame(await bothOf(world, books, 'u-nobody'), {
      applied: new Map(),
      counters: new Map(),
      rows: new Map(),
    });
    t.strictSame(
      await recountUsers(books, ['u-nobody'], { ...ANYWAY, evenIfWarm: false }),
      new Map([['u-nobody', 'warm']]),
    );
    t.strictSame(await recountUsers(books, [], ANYWAY), new Map());
  });

  await t.test(
    'what rows say by partition becomes one sum a day, the partitions they came by and the latest start',
    (t) => {
      const base = { userId: 'u', stream: 0, calls: 1, durationMs: 5, lastStartedAt: 7, lastOffset: 3 };
      const users = recounted(
        ['u', 'none'],
        [
          { ...base, day: 1, partition: 0 },
          { ...base, day: 1, partition: 1, lastStartedAt: 9 },
          { ...base, day: 2, partition: 1, stream: 1 },
        ],
      );
      t.strictSame(users[0], {
        userId: 'u',
        days: new Map([
          [1, { calls: 2, durationMs: 10 }],
          [2, { calls: 1, durationMs: 5 }],
        ]),
        partitions: new Set(['0:0', '0:1', '1:1']),
        lastStartedAt: 9,
      });
      t.strictSame(users[1], { userId: 'none', days: new Map(), partitions: new Set(), lastStartedAt: -1 });
      t.end();
    },
  );

  await t.test('books of an older generation recount nobody', async (t) => {
    const books = await world.begin();
    await recountUsers(books, ['u-gen'], ANYWAY);
    await admin.flushall();
    await t.rejects(recountUsers(books, ['u-gen'], ANYWAY), { code: 'COUNTERS_GENERATION' });
    t.equal(await admin.dbsize(), 0);
    const again = await world.begin();
    await recountUsers(again, ['u-gen'], ANYWAY);
    const before = await admin.hgetall('ct:{u-gen}');
    await t.rejects(recountUsers(books, ['u-gen'], ANYWAY), { code: 'COUNTERS_GENERATION' });
    t.strictSame(await admin.hgetall('ct:{u-gen}'), before);
  });

  await t.test(
    'recounts, applies and takeovers of the same users at random: when it is quiet, counters are the rows',
    async (t) => {
      const rounds = 15;
      const users = Array.from({ length: 4 }, (_, i) => `u-race-${i}`);
      const offsets = [0, 0];
      const shared: ReturnType<typeof callOf>[] = [];
      for (let round = 0; round < rounds; round++) {
        const parts = await Promise.all([world.begin(), world.begin(), world.begin(), world.begin()]);
        let writing = 2;
        const writer = async (partition: number) => {
          for (let i = 0; i < 4; i++) {
            const events = Array.from({ length: 1 + Math.floor(Math.random() * 5) }, () => {
              const fresh = callOf(users[Math.floor(Math.random() * users.length)]!, {
                startedAt: Date.now() - Math.floor(Math.random() * 60 * DAY_MS),
              });
              const call =
                shared.length > 0 && Math.random() < 0.2
                  ? shared[Math.floor(Math.random() * shared.length)]!
                  : fresh;
              shared.push(call);
              return { offset: offsets[partition]!++, call };
            });
            await record(parts[partition]!, batchOf(100 + partition, events));
            if (Math.random() < 0.3) await record(parts[partition]!, batchOf(100 + partition, events));
          }
          writing -= 1;
        };
        const repairer = async (which: number) => {
          for (let i = 0; i < 200 && writing > 0; i++) {
            await recountUsers(parts[which]!, users, {
              evenIfWarm: Math.random() < 0.7,
              respectMs: Math.random() < 0.5 ? 0 : 5,
            });
            await turn();
          }
        };
        await Promise.all([writer(0), writer(1), repairer(2), repairer(3)]);
        let total = 0;
        for (const userId of users) {
          const both = await bothOf(world, parts[0]!, userId);
          if (both === undefined) continue; // never called as yet
          t.strictSame(both.counters, both.rows, `round ${round}`);
          total += callsIn(both.counters);
        }
        t.equal(total, new Set(shared.map(({ callId }) => callId)).size, `round ${round}`);
        for (const { session } of parts) session.end('done');
      }
    },
  );

  await t.test('events applied between the rows and the installation make it come to nothing', async (t) => {
    const books = await world.begin();
    await record(books, batchOf(200, [{ offset: 0, call: callOf('u-behind') }]));
    const event = { offset: 1, startedAt: Date.now(), durationMs: 1_000 };
    const runForUsers: CounterSession['runForUsers'] = async (script, commands) => {
      if (script === 'replace') {
        // As record does it: the row, then stored, then the apply.
        await store.calls.insert([
          toRow(callOf('u-behind', event), { stream: 0, partition: 200, offset: 1 }),
        ]);
        await store.progress.raise(0, 200, 1);
        await applyEvents(books.session, books.generations, '0:200', [
          { userId: 'u-behind', events: [event] },
        ]);
      }
      return books.session.runForUsers(script, commands);
    };
    const session = new Proxy(books.session, {
      get(target, name) {
        if (name === 'runForUsers') return runForUsers;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    t.strictSame(
      await recountUsers({ ...books, session }, ['u-behind'], ANYWAY),
      new Map([['u-behind', 'behind']]),
    );
    const both = (await bothOf(world, books, 'u-behind'))!;
    t.strictSame(both.counters, both.rows);
    t.equal(callsIn(both.counters), 2);
    t.equal((await readGenerations(books.session)).size, 1);
  });
});
