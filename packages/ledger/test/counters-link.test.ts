import { setTimeout as pause } from 'node:timers/promises';
import { advanceAsOf } from '@calltally/counters';
import { test } from 'tap';
import { CountersLink, writeCheckpoint } from '../src/index.ts';
import { testWorld, until } from './support.ts';

const LIMITS = { commandTimeoutMs: 2_000, openTimeoutMs: 2_000 };

test('a reader’s link to Redis', async (t) => {
  const world = await testWorld(t);
  const link = new CountersLink({ url: world.redis.address, ...LIMITS });
  t.teardown(() => link.stop());
  const checkpointed = async (checkpoints: [number, number][]) => {
    const ledger = await world.begin([{}, { partition: 1 }]);
    for (const [partition, asOfMs] of checkpoints) {
      // As in production: a checkpoint beyond what is stored would mean that Mongo went back.
      await world.store.progress.advanceStored(0, partition, 0);
      await writeCheckpoint(ledger, { partition: `0:${partition}`, through: 0, asOfMs });
    }
    ledger.session.end('done');
    return [...ledger.generations.values()][0]!.id;
  };
  const seen = () => {
    const live = link.current;
    return live && { asOfMs: live.asOfMs, id: [...live.generations.values()][0]?.id };
  };

  await t.test('without a generation the link is up and knows nothing', async (t) => {
    await link.start();
    t.strictSame(seen(), { asOfMs: undefined, id: undefined });
  });

  await t.test('as-of is the lowest of all partitions, and unknown while one has none', async (t) => {
    const id = await checkpointed([[0, 5_000]]);
    await until(seen, (now) => now?.id === id);
    await pause(300);
    t.strictSame(seen(), { asOfMs: undefined, id }, 'partition 1 has not said');
    await checkpointed([[1, 4_000]]);
    t.strictSame(await until(seen, (now) => now?.asOfMs !== undefined), { asOfMs: 4_000, id });
    await checkpointed([[1, 6_000]]);
    t.strictSame(await until(seen, (now) => now?.asOfMs !== 4_000), { asOfMs: 5_000, id });
  });

  await t.test('partitions of an older topic epoch do not count', async (t) => {
    const ledger = await world.begin();
    await writeCheckpoint(ledger, { partition: `1:0`, through: 0, asOfMs: 9_000 });
    t.equal((await until(seen, (now) => now?.asOfMs !== 5_000))?.asOfMs, 9_000);
    ledger.session.end('done');
  });

  await t.test('as-of as ingest has noted it; by partition while nobody notes it', async (t) => {
    const ledger = await world.begin();
    const tell = async (asOfMs: number, notes: boolean) => {
      await writeCheckpoint(ledger, { partition: `1:0`, through: 0, asOfMs });
      if (notes) await advanceAsOf(ledger.session, ledger.session.masters[0]!);
      t.equal((await until(seen, (now) => now?.asOfMs === asOfMs))?.asOfMs, asOfMs);
    };
    await tell(9_100, true);
    await tell(9_200, true);
    // Ingest of the version before has the first partition.
    await tell(9_300, false);
    await tell(9_400, false);
    await tell(9_500, true);
    ledger.session.end('done');
  });

  await t.test('Redis emptied: its as-of is dropped with its generation', async (t) => {
    await world.admin.flushall();
    t.strictSame(await until(seen, (now) => now?.id === undefined), { asOfMs: undefined, id: undefined });
  });

  await t.test(
    'Redis gone: no session at once, nobody waits; back: another session that knows what is there then',
    async (t) => {
      await checkpointed([
        [0, 1_000],
        [1, 1_000],
      ]);
      await until(seen, (now) => now?.asOfMs === 1_000);
      const before = link.current!.session;
      await world.redis.stop('SIGKILL');
      await before.ended;
      t.equal(link.current, undefined, 'and no as-of without a session');
      await world.redis.start();
      await world.admin.flushall();
      // It may be back before Redis is emptied, with what was in the dump.
      const emptied = await until(seen, (now) => now !== undefined && now.id === undefined);
      t.strictSame(emptied, { asOfMs: undefined, id: undefined }, 'nothing is left of the old session');
      t.not(link.current!.session, before);
      const id = await checkpointed([
        [0, 2_000],
        [1, 3_000],
      ]);
      t.strictSame(await until(seen, (now) => now?.asOfMs === 2_000), { asOfMs: 2_000, id });
    },
  );

  await t.test(
    'Redis hung: the session ends within its limits, and another stands when it goes on',
    async (t) => {
      const before = link.current!.session;
      process.kill(world.redis.pid!, 'SIGSTOP');
      try {
        await before.ended;
        t.equal(link.current, undefined);
      } finally {
        process.kill(world.redis.pid!, 'SIGCONT');
      }
      t.equal((await until(seen, (now) => now?.asOfMs !== undefined))?.asOfMs, 2_000);
    },
  );

  await t.test('stopped: no session is left, and none is opened', async (t) => {
    const { session } = link.current!;
    await link.stop();
    t.match(await session.ended, { code: 'COUNTERS_LOST' });
    await pause(400);
    t.equal(link.current, undefined);
  });
});

test('a link starts even if Redis is down', async (t) => {
  const world = await testWorld(t);
  await world.redis.stop('SIGKILL');
  const link = new CountersLink({ url: world.redis.address, ...LIMITS });
  t.teardown(() => link.stop());
  await link.start();
  t.equal(link.current, undefined);
  await world.redis.start();
  t.ok(
    await until(
      () => link.current,
      (now) => now !== undefined,
    ),
  );
});
