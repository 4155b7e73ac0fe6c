import { CountersError, forgetUsers, readGenerations } from '@calltally/counters';
import { dayOf, monthOf } from '@calltally/domain';
import { fillPieces, openCold, PieceReader, replaceUsers } from '@calltally/ledger';
import { opsSettings, readSettings } from '@calltally/settings';
import { test } from 'tap';
import { type FromKafkaHooks, rebuildFromKafka } from '../../src/from-kafka/run.ts';
import { LedgerConnection } from '../../src/ledger-connection.ts';
import { type CountedTopic, countedTopic, eventsOf } from '../counted-topic.ts';
import { callOf, countedUsers } from '../counted-users.ts';

const users = Array.from({ length: 5 }, (_, i) => `u-${i}`);

/** Fills counters from the topic, and lets something happen once it has begun to read. */
async function rebuildWhile({ env, store }: CountedTopic, happens: () => Promise<unknown>) {
  const settings = readSettings(opsSettings, env);
  const live = new LedgerConnection(store, {
    ...settings.redis,
    commandTimeoutMs: 5_000,
    openTimeoutMs: 5_000,
  });
  let happened: Promise<unknown> | undefined;
  const hooks: FromKafkaHooks = {
    onStart() {},
    onProgress() {
      happened ??= happens();
    },
    onFailed() {},
    onDifferences() {},
  };
  try {
    return await rebuildFromKafka(settings, live, store, hooks, new AbortController().signal);
  } finally {
    live.close();
    await happened;
  }
}

test('what changes under its feet ends it by name', async (t) => {
  const world = await countedTopic(t);
  const { admin, topic } = world;
  const ledger = await world.begin();
  await world.count(ledger, eventsOf(users, 50));

  await t.test('Redis was emptied, and ingest began another generation', async (t) => {
    const emptied = rebuildWhile(world, async () => {
      await ledger.session.masters[0]!.redis.flushall();
      await world.begin();
    });
    await t.rejects(emptied, { code: 'GENERATION_BEGUN' });
  });

  await t.test('events that come twice while the topic is read are counted once', async (t) => {
    const done = await rebuildWhile(world, async () => {
      const events = eventsOf(users, 100);
      await world.count(await world.begin(), [...events, ...events]);
    });
    t.match(done, { users: 5, failed: 0, drifted: 0, complete: true });
    for (const user of users) t.equal(await world.countedOf(user), 30);
  });

  await t.test('users are filled from rows meanwhile, and the topic is believed all the same', async (t) => {
    const ledger = await world.begin();
    const events = eventsOf(users, 50);
    // Each has lost two rows.
    await world.count(ledger, events, { lost: new Set(events.slice(0, 10).map(({ call_id }) => call_id)) });
    const pieces = new PieceReader(ledger.store.tallies);
    let filled = 0;
    let going = true;
    const others = (async () => {
      while (going) {
        const current = { ...ledger, generations: await readGenerations(ledger.session) };
        try {
          filled += (await fillPieces(current, pieces, users)).pieces;
        } catch (thrown) {
          // Another was begun between its look and its work.
          if (!(thrown instanceof CountersError && thrown.code === 'COUNTERS_GENERATION')) throw thrown;
        }
      }
    })();
    try {
      const done = await rebuildWhile(world, async () => {});
      t.match(done, { users: 5, failed: 0, drifted: 5, complete: true });
    } finally {
      going = false;
      await others;
    }
    for (const user of users) t.equal(await world.countedOf(user), 40);
    t.ok(filled > 0, `${filled} pieces were filled from rows`);
  });

  await t.test('retention removed the beginning', async (t) => {
    const cut = rebuildWhile(world, () =>
      admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '3' }] }),
    );
    await t.rejects(cut, { code: 'TOPIC_INCOMPLETE' });
    t.equal(await world.countedOf(users[0]!), undefined, 'counters are unknown, and answered from Mongo');
  });
});

test('who is filled from the topic is left alone by those who fill from rows, until the reader is gone', async (t) => {
  const { ledger, count, redis } = await countedUsers(t);
  const pieces = new PieceReader(ledger.store.tallies);
  await count(users.map((userId) => callOf(userId)));
  const today = dayOf(Date.now());
  const callsOf = (userId: string) => redis.hget(`ct2:{${userId}}:m:${monthOf(today)}`, 'c');
  let filled: unknown;
  const failed = await replaceUsers(ledger, users, async (userIds) => {
    filled = await fillPieces(ledger, pieces, userIds);
    return userIds.map((userId) => ({
      userId,
      days: new Map([[today, { calls: 7, durationMs: 7_000 }]]),
      detail: { cells: [], halfHours: [] },
      partitions: new Set(['0:0']),
      lastStartedAt: Date.now(),
      hasCorrections: false,
    }));
  });
  t.match(filled, { pieces: 0, rows: 0, left: users });
  t.strictSame(failed, []);
  for (const userId of users) t.equal(await callsOf(userId), '7');

  const [first, second] = users as [string, string];
  await forgetUsers(ledger.session, [first, second]);
  await openCold(ledger, [first, second], { fillIdPrefix: 'topic:' });
  await redis.hset(`ct2:{${first}}`, 'n', Date.now() - 61_000);
  t.match(await fillPieces(ledger, pieces, [first, second]), { pieces: 1, rows: 1, left: [second] });
  t.equal(await callsOf(first), '1', 'whose reader was killed is filled from rows');
  t.equal(await callsOf(second), null);
});
