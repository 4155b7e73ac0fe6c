import { randomInt } from 'node:crypto';
import { test } from 'tap';
import { applyEvents, type Generations, readBuckets, readWindowSums } from '../src/index.ts';
import { testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 5, 15, 12);
/** More than fit into one command. */
const USERS = 600;

test('window sums of many users at once', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin, open } = counters;
  const users = Array.from({ length: USERS }, (_, i) => `u-${i}`);
  await warm(counters, users, NOW);
  await applyEvents(
    session,
    generations,
    '0:0',
    users.map((userId, i) => ({ userId, events: [{ offset: 0, startedAt: NOW - i, durationMs: i }] })),
  );
  for (const userId of users) await readBuckets(session, generations, userId, NOW, []);
  const durationsOf = (readings: Awaited<ReturnType<typeof readWindowSums>>[]) =>
    readings.map((reading) => reading?.window.durationMs);

  await t.test('each user gets their own, and unknown ones get none', async (t) => {
    const asked = users.flatMap((userId, i) => (i % 7 === 0 ? [userId, `unknown-${i}`] : [userId]));
    const readings = await Promise.all(
      asked.map((userId) => readWindowSums(session, generations, userId, NOW)),
    );
    t.strictSame(
      durationsOf(readings),
      asked.map((userId) => (userId.startsWith('u-') ? Number(userId.slice(2)) : undefined)),
    );
    t.equal(readings[3]!.lastStartedAt, NOW - Number(asked[3]!.slice(2)));
  });

  await t.test('requests that come while others are pending are answered right, too', async (t) => {
    const said = await Promise.all(
      Array.from({ length: 2_000 }, async (_, i) => {
        // Some in this turn of the event loop, some in later turns, some behind promises.
        if (i % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
        if (i % 5 === 0) await new Promise((resolve) => setTimeout(resolve, randomInt(5)));
        const user = randomInt(USERS);
        const reading = await readWindowSums(session, generations, `u-${user}`, NOW);
        return reading?.window.durationMs === user && reading.lastStartedAt === NOW - user;
      }),
    );
    t.notOk(said.includes(false));
  });

  await t.test(
    'a request for another generation meanwhile gets none, and the others are answered right',
    async (t) => {
      const [[master, own]] = [...generations] as [[(typeof session.masters)[0], object]];
      const other = new Map([[master, { ...own, id: 'another' }]]) as Generations;
      const readings = await Promise.all(
        users
          .slice(0, 50)
          .map((userId, i) => readWindowSums(session, i % 2 ? other : generations, userId, NOW)),
      );
      t.strictSame(
        durationsOf(readings),
        users.slice(0, 50).map((_, i) => (i % 2 ? undefined : i)),
      );
    },
  );

  await t.test('when a session ends, pending, waiting and later requests all reject', async (t) => {
    const cut = await open({ commandTimeoutMs: 200 });
    const same: Generations = new Map([[cut.masters[0]!, [...generations.values()][0]!]]);
    await readWindowSums(cut, same, 'u-1', NOW);
    // Scripts may write, so they wait, too.
    await admin.client('PAUSE', 60_000, 'WRITE');
    const asked = users.map((userId) => readWindowSums(cut, same, userId, NOW));
    await new Promise((resolve) => setTimeout(resolve, 50));
    asked.push(readWindowSums(cut, same, 'u-1', NOW));
    const outcomes = await Promise.allSettled(asked);
    await admin.client('UNPAUSE');
    t.strictSame(
      new Set(outcomes.map((one) => (one.status === 'rejected' ? one.reason.code : one.status))),
      new Set(['COUNTERS_LOST']),
    );
    await t.rejects(readWindowSums(cut, same, 'u-1', NOW), { code: 'COUNTERS_LOST' });
  });
});
