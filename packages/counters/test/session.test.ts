import { setTimeout as pause } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { applyEvents, CounterSession, CountersError, readBuckets, readGenerations } from '../src/index.ts';
import { type Counters, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 5, 15);
const EVENTS = [{ userId: 'u-1', events: [{ offset: 1, startedAt: NOW, durationMs: 1 }] }];

/** The session is over, every call rejects, and nobody reconnects. */
async function isOver(t: Test, session: CounterSession, { generations, admin }: Counters) {
  const reason = await session.ended;
  t.type(reason, CountersError);
  t.match(reason, { code: 'COUNTERS_LOST', retryable: true });
  t.equal(session.isOpen, false);
  const own = new Map([[session.masters[0]!, [...generations.values()][0]!]]);
  const lost = { code: 'COUNTERS_LOST' };
  await t.rejects(applyEvents(session, own, '0:0', EVENTS), lost);
  await t.rejects(readBuckets(session, own, 'u-1', NOW, []), lost);
  await t.rejects(readGenerations(session), lost);
  await t.rejects(session.run(session.masters[0]!, 'checkpoint', [], []), lost);
  for (let step = 0; step < 100 && (await clients(admin)) > 1; step++) await pause(20);
  t.equal(await clients(admin), 1, 'only the connection of this test is left');
  await pause(300);
  t.equal(await clients(admin), 1, 'and none comes back');
  t.equal(session.masters[0]!.redis.status, 'end');
}

async function clients(admin: Counters['admin']): Promise<number> {
  return String(await admin.client('LIST'))
    .trim()
    .split('\n').length;
}

test('a session is one life of its connection', async (t) => {
  const counters = await testCounters(t);
  const { admin, engine, open } = counters;
  await warm(counters, ['u-1'], NOW);
  counters.session.end('not needed');

  await t.test('cut by the server while idle: over', async (t) => {
    const session = await open();
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await isOver(t, session, counters);
  });

  await t.test('cut by the server with a command pending: over, and the command is rejected', async (t) => {
    const session = await open();
    const own = new Map([[session.masters[0]!, [...counters.generations.values()][0]!]]);
    await admin.client('PAUSE', 60_000, 'WRITE');
    const work = applyEvents(session, own, '0:0', EVENTS);
    const rejected = t.rejects(work, { code: 'COUNTERS_LOST' });
    await admin.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await rejected;
    await admin.client('UNPAUSE');
    await isOver(t, session, counters);
  });

  await t.test(
    'commands that are not answered in time: over, although the connection is still open, and no warning of many listeners',
    async (t) => {
      const warnings: Error[] = [];
      const note = (warning: Error) => void warnings.push(warning);
      process.on('warning', note);
      t.teardown(() => process.off('warning', note));
      const session = await open({ commandTimeoutMs: 1_500 });
      const own = new Map([[session.masters[0]!, [...counters.generations.values()][0]!]]);
      process.kill(engine.pid!, 'SIGSTOP');
      try {
        await Promise.all([
          t.rejects(applyEvents(session, own, '0:0', EVENTS), { code: 'COUNTERS_LOST' }),
          ...Array.from({ length: 20 }, () =>
            t.rejects(readBuckets(session, own, 'u-1', NOW, []), { code: 'COUNTERS_LOST' }),
          ),
        ]);
        await t.rejects(
          CounterSession.open({ url: engine.address, commandTimeoutMs: 200, openTimeoutMs: 200 }),
          {
            code: 'COUNTERS_LOST',
          },
        );
      } finally {
        process.kill(engine.pid!, 'SIGCONT');
      }
      await isOver(t, session, counters);
      t.strictSame(warnings, []);
    },
  );

  await t.test('an error of a script: over', async (t) => {
    const session = await open();
    const own = new Map([[session.masters[0]!, [...counters.generations.values()][0]!]]);
    await admin.set('ct2:{u-wrong}', 'no hash');
    const wrong = [{ userId: 'u-wrong', events: EVENTS[0]!.events }];
    await t.rejects(applyEvents(session, own, '0:0', [...EVENTS, ...wrong]), { code: 'COUNTERS_LOST' });
    await isOver(t, session, counters);
  });

  await t.test(
    'scripts that the server has flushed are sent again or end the session, and nothing is counted twice',
    async (t) => {
      const session = await open();
      const own = new Map([[session.masters[0]!, [...counters.generations.values()][0]!]]);
      const events = [{ userId: 'u-1', events: [{ offset: 1000, startedAt: NOW, durationMs: 1 }] }];
      await applyEvents(session, own, '0:5', events);
      const before = await admin.hgetall('ct2:{u-1}');
      await admin.script('FLUSH');
      await applyEvents(session, own, '0:5', events).catch((thrown) =>
        t.match(thrown, { code: 'COUNTERS_LOST' }),
      );
      t.strictSame(await admin.hgetall('ct2:{u-1}'), before);
      session.end('done');
      const next = await open();
      const its = new Map([[next.masters[0]!, [...counters.generations.values()][0]!]]);
      t.strictSame(await applyEvents(next, its, '0:5', events), [0]);
      next.end('done');
    },
  );

  await t.test('a restart of Redis: over, and another session finds the same generation', async (t) => {
    const session = await open();
    await engine.stop();
    await session.ended;
    await t.rejects(open({ openTimeoutMs: 300 }), { code: 'COUNTERS_LOST' });
    await engine.start();
    await isOver(t, session, counters);
    const next = await open();
    const generations = await readGenerations(next);
    t.equal([...generations.values()][0]?.id, [...counters.generations.values()][0]!.id);
    next.end('done');
  });

  await t.test('ended by its owner: over with the reason given', async (t) => {
    const session = await open();
    session.end('enough');
    session.end('again');
    t.match((await session.ended).message, /enough/);
    await isOver(t, session, counters);
  });
});
