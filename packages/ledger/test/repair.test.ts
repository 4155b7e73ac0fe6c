import { applyEvents, type CounterSession } from '@calltally/counters';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { auditUsers, type Books, record, recountUsers, repairUsers, warmUsers } from '../src/index.ts';
import { batchOf, bothOf, callOf, testWorld } from './support.ts';

test('repairing', async (t) => {
  const world = await testWorld(t);
  const { store, admin } = world;

  await t.test('a user whom events overtake in every recount is repaired all the same', async (t) => {
    const books = await world.begin();
    const another = await world.begin();
    let offset = 0;
    const count = () =>
      record(another, batchOf(7, [{ offset: offset++, call: callOf('u-hot', { durationMs: offset }) }]));
    for (let i = 0; i < 5; i++) await count();
    await admin.del(...(await admin.keys('ct:{u-hot}:*')));
    let overtaken = 0;
    // Each installation finds events applied that its sums do not have.
    const runForUsers: CounterSession['runForUsers'] = async (script, commands) => {
      if (script === 'replace') {
        await count();
        overtaken += 1;
      }
      return books.session.runForUsers(script, commands);
    };
    t.strictSame(await repairUsers({ ...books, session: intercepted(books, runForUsers) }, ['u-hot']), []);
    t.ok(overtaken > 3, 'recounts were overtaken');
    t.strictSame((await auditUsers(books, ['u-hot'])).differences, []);
    const both = (await bothOf(world, books, 'u-hot'))!;
    t.strictSame(both.counters, both.rows);
    t.equal([...both.counters.values()][0]!.calls, offset);
  });

  await t.test('cold users become warm, warm ones are left as they are', async (t) => {
    const books = await world.begin();
    await store.calls.insert([toRow(callOf('u-cold'), { stream: 0, partition: 8, offset: 0 })]);
    await store.progress.raise(0, 8, 0);
    await recountUsers(books, ['u-warm'], { evenIfWarm: true, respectMs: 0 });
    const before = await admin.hgetall('ct:{u-warm}');
    t.strictSame(await warmUsers(books, ['u-cold', 'u-warm']), []);
    t.strictSame(await admin.hgetall('ct:{u-warm}'), before);
    t.strictSame(await auditUsers(books, ['u-cold', 'u-warm']), { compared: 2, cold: [], differences: [] });
  });

  await t.test('who cannot be repaired is told', async (t) => {
    const books = await world.begin();
    // Another recount takes over whenever this one is about to install.
    const runForUsers: CounterSession['runForUsers'] = async (script, commands) => {
      if (script === 'replace') await admin.hset('ct:{u-contended}', 'l', `${Date.now()}:another`);
      return books.session.runForUsers(script, commands);
    };
    const contended = { ...books, session: intercepted(books, runForUsers) };
    t.strictSame(await repairUsers(contended, ['u-contended']), ['u-contended']);
    t.strictSame(
      await applyEvents(books.session, books.generations, '0:9', [
        { userId: 'u-contended', events: [{ offset: 0, startedAt: 0, durationMs: 0 }] },
      ]),
      ['unknown'],
      'he is cold, and answered from Mongo',
    );
  });
});

function intercepted({ session }: Books, runForUsers: CounterSession['runForUsers']): CounterSession {
  return new Proxy(session, {
    get(target, name) {
      if (name === 'runForUsers') return runForUsers;
      const value = Reflect.get(target, name, target) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
