import { test } from 'tap';
import { type HookSecretRow, newHookId } from '../src/index.ts';
import { testStore } from './support.ts';

const secret = (_id: string): HookSecretRow => ({
  _id,
  kept: 'hashed',
  value: `hash of ${_id}`,
  created_at: new Date(),
});
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000);

test('hooks', async (t) => {
  const { store, db, another } = await testStore(t);
  const { hooks } = store;
  const create = (user: object = { id: 'u-1' }, more: object = {}) =>
    hooks.create({
      _id: newHookId(),
      provider: 'generic',
      definition: { provider: 'generic', user, ...more },
      secrets: [secret('first')],
    });

  await t.test('a hook is found as it was made, also in another process', async (t) => {
    const map = { 'a.b': 'completed', $set: 'failed', '': 'x', 'a b': null };
    const hook = await create({ from: 'call.user' }, { status: map });
    t.match(hook._id, /^hook_[0-9a-f]{24}$/);
    t.strictSame(await another().hooks.find(hook._id), hook);
    const changed = await hooks.change(hook._id, ({ definition }) => ({
      definition: { ...definition, status: { ...map, $inc: 'x.y' } },
    }));
    t.strictSame(await hooks.find(hook._id), changed);
    t.equal(await hooks.find('hook_none'), undefined);
    t.equal(await hooks.change('hook_none', () => ({})), undefined);
  });

  await t.test('they are listed newest first, of one user or of all', async (t) => {
    const first = await create({ id: 'u-2' });
    await new Promise((resolve) => setTimeout(resolve, 5));
    const second = await create({ id: 'u-2' });
    t.strictSame(await hooks.list('u-2'), [second, first]);
    t.equal((await hooks.list()).length, 3);
    t.strictSame(await hooks.list('call.user'), []);
  });

  await t.test('a new secret comes first, and the others end when it says, or earlier', async (t) => {
    const { _id } = await create();
    const [soon, later] = [inMinutes(1), inMinutes(60)];
    await hooks.rotate(_id, secret('second'), soon);
    const rotated = await hooks.rotate(_id, secret('third'), later);
    t.match(rotated?.secrets, [
      { _id: 'third' },
      { _id: 'second', expires_at: later },
      { _id: 'first', expires_at: soon },
    ]);
    t.notOk(rotated?.secrets[0]?.expires_at);
    t.strictSame((await hooks.find(_id))?.secrets, rotated?.secrets);
    const only = await hooks.rotate(_id, secret('fourth'), new Date());
    t.match(only?.secrets, [{ _id: 'fourth' }]);
    t.equal(only?.secrets.length, 1, 'what has expired is not kept');
    t.equal(await hooks.rotate('hook_none', secret('x'), later), undefined);
  });

  await t.test('of many who rotate at once, no secret is lost', async (t) => {
    const { _id } = await create();
    const names = ['a', 'b', 'c', 'd', 'e', 'f'];
    await Promise.all(names.map((name) => another().hooks.rotate(_id, secret(name), inMinutes(60))));
    const ids = (await hooks.find(_id))?.secrets.map((one) => one._id);
    t.strictSame(ids?.toSorted(), [...names, 'first'].sort());
  });

  await t.test(
    'of a deleted hook neither secrets nor user are left, and nothing brings it back',
    async (t) => {
      const { _id, created_at } = await create({ id: 'gone' }, { name: 'gone' });
      const deleted = await hooks.delete(_id);
      t.strictSame(deleted, { _id, provider: 'generic', created_at, deleted_at: deleted?.deleted_at });
      t.strictSame(await hooks.delete(_id), deleted);
      t.equal(await hooks.find(_id), undefined);
      t.equal(await hooks.rotate(_id, secret('x'), inMinutes(1)), undefined);
      const atRest = await db.collection<{ _id: string }>('hooks').findOne({ _id });
      t.strictSame(Object.keys(atRest!).sort(), ['_id', 'created_at', 'deleted_at', 'provider']);
      t.equal(await hooks.delete('hook_none'), undefined);
    },
  );

  await t.test('hooks that always bring one user’s calls are deleted together', async (t) => {
    const [a, b] = [await create({ id: 'u-9' }), await create({ id: 'u-9' })];
    const stays = await create({ from: 'u-9' });
    t.equal(await hooks.deleteOf('u-9'), 2);
    t.strictSame([await hooks.find(a._id), await hooks.find(b._id)], [undefined, undefined]);
    t.strictSame(await hooks.find(stays._id), stays);
    t.equal(await hooks.deleteOf('u-9'), 0);
  });
});
