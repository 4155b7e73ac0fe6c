import { testRedis } from '@calltally/stack/testing';
import { test } from 'tap';
import { CounterSession, claimUsers, ensureGenerations, openUsers, readFillStatuses } from '../src/index.ts';

test('as many users as a large batch brings are opened, each with their own fill id', async (t) => {
  const engine = await testRedis(t, []);
  const session = await CounterSession.open({
    url: engine.address,
    commandTimeoutMs: 30_000,
    openTimeoutMs: 30_000,
  });
  t.teardown(() => session.end('the test is over'));
  const generations = await ensureGenerations(session, {
    retentionMonths: 25,
    through: new Map([['0:0', 6]]),
  });
  const userIds = Array.from({ length: 450 }, (_, i) => `u-${i}`);
  const nowMs = Date.now();
  const claims = await claimUsers(session, generations, userIds, nowMs);
  const claimed = userIds.map((userId, i) => ({
    userId,
    // One claim among the others that no longer stands.
    claim: i === 200 ? 'another' : (claims[i] as { id: string }).id,
    fillId: `fill-${i}`,
  }));
  const opened = await openUsers(session, generations, claimed, new Map([['0:0', 7]]), nowMs);
  const standings = await readFillStatuses(session, generations, userIds);
  const expected = userIds.map((_, i) => (i === 200 ? undefined : `fill-${i}`));
  t.strictSame(
    opened.map((filling) => filling?.fillId),
    expected,
  );
  t.strictSame(
    standings.map((standing) => (typeof standing === 'string' ? undefined : standing.fillId)),
    expected,
  );
  t.equal(standings[200], 'unknown');
});
