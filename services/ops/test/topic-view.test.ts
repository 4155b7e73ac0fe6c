import type { Store } from '@calltally/store';
import { test } from 'tap';
import { isRecreated, viewTopic } from '../src/topic-view.ts';
import { countedTopic, eventsOf } from './counted-topic.ts';

test('a partition that ingest takes further, while it is looked at, does not look as if it was recreated', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  const users = Array.from({ length: 10 }, (_, i) => `u-${i}`);
  await world.count(ledger, eventsOf(users, 30));
  let counted = 0;
  // More is counted just before `stored` is read: whoever asked for the ends before has older ones.
  const streamAndStored = async () => {
    await world.count(ledger, eventsOf(users, 30));
    counted++;
    return world.store.progress.streamAndStored();
  };
  const store = { ...world.store, progress: { streamAndStored } } as unknown as Store;
  const { partitions } = await viewTopic(world.admin, store, world.topic);
  t.equal(counted, 1);
  t.ok(partitions.some(({ stored }) => stored > 0));
  t.strictSame(partitions.filter(isRecreated), []);
});
