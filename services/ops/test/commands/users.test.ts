import { compareIds } from '@calltally/domain';
import { uniqueName } from '@calltally/stack/testing';
import { hashApiKey, newHookId } from '@calltally/store';
import { test } from 'tap';
import { countedTopic, eventsOf } from '../counted-topic.ts';

test('users are listed, and erased for good', async (t) => {
  const topic = await countedTopic(t);
  const { store, json, run } = topic;
  const [gone, stays] = [uniqueName('Gone}%'), uniqueName('stays')];
  const ledger = await topic.begin();
  await topic.count(ledger, eventsOf([gone, stays], 40));
  const { apiKey, row } = await store.apiKeys.create({ userId: gone, name: `key of ${gone}` });
  const platform = await store.apiKeys.create({ platform: true });
  const hookOf = (user: object) =>
    store.hooks.create({
      _id: newHookId(),
      provider: 'vapi',
      definition: { provider: 'vapi', user },
      secrets: [],
    });
  const [hook, shared] = [await hookOf({ id: gone }), await hookOf({ from: gone })];
  const callsOf = (userId: string) => store.users.callsOf(userId);

  await t.test('list', async (t) => {
    const all = [gone, stays].sort(compareIds).map((user_id) => ({ user_id, calls: 20 }));
    t.same((await json('users', 'list')).lines, [{ users: all, more: false }]);
    t.same((await json('users', 'list', '--limit', '1')).lines, [{ users: all.slice(0, 1), more: true }]);
    t.same((await json('users', 'list', '--erased')).lines, [{ users: [], more: false }]);
    t.match((await run('users', 'list')).out, `${stays}  20 calls\n2 users\n`);
  });

  await t.test('a dry run, and one that nobody confirms, change nothing', async (t) => {
    const { lines } = await json('users', 'erase', '--user', gone, '--dry-run');
    t.match(lines, [
      {
        event: 'found',
        calls: 20,
        keys: 1,
        hooks: 1,
        state: null,
        kept: [{ retention_days: 7 }, { retention_days: 90 }],
      },
      { event: 'end', deleted: 0 },
    ]);
    const asked = await run('users', 'erase', '--user', gone);
    t.equal(asked.status, 1);
    t.match(asked.err, 'without a terminal, users erase needs --yes (CONFIRMATION_MISSING)');
    t.equal(await callsOf(gone), 20);
    t.ok(await store.hooks.find(hook._id));
    t.equal((await store.erasures.of([gone])).size, 0);
  });

  await t.test('waits until what is on the topic is stored, and says for which partitions', async (t) => {
    await topic.publish(eventsOf([stays], 30));
    const stopping = new AbortController();
    const said = await topic.stoppedAt(
      '"waiting"',
      stopping,
      'users',
      'erase',
      '--user',
      gone,
      '--yes',
      '--json',
    );
    t.match(said.out, /"event":"waiting","partitions":\[\{"partition":\d,"stored":\d+,"until":\d+\}/);
    t.equal(said.status, 130);
    t.match(await store.erasures.unfinished(), [{ _id: gone, state: 'erasing' }]);
    t.equal(await callsOf(gone), 0);
    await topic.count(ledger, eventsOf([stays], 30));
  });

  await t.test('goes on, and leaves nothing', async (t) => {
    const { status, lines, err } = await json('users', 'erase', '--user', gone, '--yes');
    t.equal(status, 0, err);
    const steps = lines.flatMap(({ event, step }) => (event === 'step' ? step : []));
    t.same(steps, ['known', 'revoked', 'deleted', 'stored', 'deleted again', 'forgotten', 'finished']);
    t.equal(await topic.countedOf(gone), undefined);
    const key = await store.apiKeys.findByHash(hashApiKey(apiKey));
    t.match(key, { _id: row._id, user_id: '', name: undefined });
    t.type(key?.revoked_at, Date);
    const others = (await store.apiKeys.list()).filter(({ _id }) => _id !== row._id);
    t.strictSame(others, [platform.row], 'the key of the platform stands');
    t.strictSame(await store.hooks.list(), [shared]);
    t.match((await json('users', 'list', '--erased')).lines, [
      { users: [{ user_id: gone, state: 'finished' }] },
    ]);
    t.ok((await callsOf(stays)) >= 20);
  });

  await t.test('a replay brings nothing back, and later events count', async (t) => {
    const { lines } = await json('replay', '--from', 'earliest');
    t.match(lines.at(-1), { event: 'end', erased: 20, complete: true });
    t.equal(await callsOf(gone), 0);
    await topic.count(ledger, eventsOf([gone], 3));
    t.equal(await callsOf(gone), 3);
    t.equal(await topic.countedOf(gone), 3);
  });
});
