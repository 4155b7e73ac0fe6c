import { opsSettings, readSettings } from '@calltally/settings';
import { test } from 'tap';
import { type FromKafkaHooks, rebuildFromKafka } from '../../src/from-kafka/run.ts';
import { LiveBooks } from '../../src/replay/live-books.ts';
import { type CountedTopic, countedTopic, eventsOf } from '../counted-topic.ts';

const users = Array.from({ length: 5 }, (_, i) => `u-${i}`);

/** Fills counters from the topic, and lets something happen once it has begun to read. */
async function rebuildWhile({ env, store }: CountedTopic, happens: () => Promise<unknown>) {
  const settings = readSettings(opsSettings, env);
  const live = new LiveBooks(store, { ...settings.redis, commandTimeoutMs: 5_000, openTimeoutMs: 5_000 });
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
  const books = await world.begin();
  await world.count(books, eventsOf(users, 50));

  await t.test('Redis was emptied, and ingest began another generation', async (t) => {
    const emptied = rebuildWhile(world, async () => {
      await books.session.masters[0]!.redis.flushall();
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

  await t.test('retention removed the beginning', async (t) => {
    const cut = rebuildWhile(world, () =>
      admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '3' }] }),
    );
    await t.rejects(cut, { code: 'TOPIC_INCOMPLETE' });
    t.equal(await world.countedOf(users[0]!), undefined, 'counters are unknown, and answered from Mongo');
  });
});
