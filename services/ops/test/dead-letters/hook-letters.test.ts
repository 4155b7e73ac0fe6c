import { hookLetterMessage } from '@calltally/contract';
import { newHookId, type Store } from '@calltally/store';
import { test } from 'tap';
import { DeadLetterWorld } from './support.ts';

const RECEIVED = '2026-03-01T09:32:00.250Z';
const record = (id: string, more: object = {}) => ({ uuid: id, start: '1772357400', billsec: '84', ...more });

test('letters of webhooks are shown, and retried by the hook as it is now', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const { store } = world;
  const user = { from: 'account' };
  const hookId = await createHook(store, user);
  const letter = (body: object | Buffer, hook = hookId, receivedAt = RECEIVED) =>
    hookLetterMessage({
      hookId: hook,
      provider: 'generic',
      body: Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body)),
      contentType: 'application/json',
      rejection: { code: 'FIELD_MISSING', message: 'account is missing' },
      receivedAtMs: Date.parse(receivedAt),
    });
  const change = (to: object, hook = hookId) =>
    store.hooks.change(hook, ({ definition }) => ({ definition: { ...definition, ...to } }));
  const publishedOf = async (id: string) =>
    (await world.published())
      .filter(({ headers }) => String(headers?.['retried-from']) === `${world.dlqTopic}:${id}`)
      .map(({ key, value }) => [String(key), JSON.parse(String(value))])
      // They come from several partitions.
      .sort();

  await t.test('list and show tell the hook', async (t) => {
    const [id] = await world.write([letter(record('shown'))]);
    const { out } = await world.json(['list', '--hook', hookId]);
    t.match(out.letters, [
      { id, failed_at: RECEIVED, code: 'FIELD_MISSING', source: { hook: hookId, provider: 'generic' } },
    ]);
    t.strictSame((await world.json(['list', '--hook', newHookId()])).out.letters, []);
    t.match((await world.dlq(['list'])).out, `generic ${hookId}`);
    const shown = await world.dlq(['show', id!]);
    t.match(shown.out, `source     generic ${hookId}`);
    t.match(shown.out, '"uuid": "shown"');
    t.match(await world.json(['discard', id!, '--yes']), { status: 0, out: { discarded: 1 } });
  });

  await t.test('a letter that still cannot be read is named and left', async (t) => {
    const [id] = await world.write([letter(record('c-1'))]);
    const left = await world.json(['retry', id!]);
    t.match(left, {
      status: 1,
      out: { retried: 0 },
      errors: [{ letter: id, code: 'LETTER_REJECTED_AGAIN', message: /account.*--value/ }],
    });
    t.match(await world.json(['retry', id!, '--force']), { status: 1, out: { retried: 0 } });
    t.equal(await world.publishedCount(), 0);

    await change({ user: { id: 'u-7' } });
    t.match(await world.json(['retry', id!, '--dry-run']), { status: 0, out: { would_retry: 1 } });
    t.match(await world.json(['retry', '--hook', hookId, '--yes']), { status: 0, out: { retried: 1 } });
    t.match(await publishedOf(id!), [['u-7', { call_id: 'c-1', user_id: 'u-7', duration_seconds: 84 }]]);
    const again = await world.write([letter(record('c-1'))]);
    t.match((await world.json(['retry', ...again])).out, { already: 1 }, 'the same bytes are one event');
    await change({ user });
  });

  await t.test('several calls of one webhook are published together, or none of them', async (t) => {
    const good = ['a', 'b'].map((id) => record(id, { account: `of ${id}` }));
    const [both, half] = await world.write([letter(good as never), letter([good[0], record('c')] as never)]);
    t.match(await world.json(['retry', both!]), { status: 0, out: { retried: 1 } });
    t.match(await publishedOf(both!), [
      ['of a', { call_id: 'a' }],
      ['of b', { call_id: 'b' }],
    ]);
    t.match(await world.json(['retry', half!]), { errors: [{ code: 'LETTER_REJECTED_AGAIN' }] });
    t.strictSame(await publishedOf(half!), []);
    t.match(await world.json(['retry', half!, '--force']), { status: 0, out: { retried: 1 } });
    t.match(await publishedOf(half!), [['of a', { call_id: 'a' }]]);
  });

  await t.test('a call without a start begins at the first receipt of it', async (t) => {
    const hook = newHookId();
    const definition = { provider: 'retell', user: { id: 'u-7' } };
    await store.hooks.create({ _id: hook, provider: 'retell', definition, secrets: [] });
    const call = { call_id: 'never', call_status: 'not_connected', agent_id: 'a', direction: 'outbound' };
    const body = { event: 'call_ended', call: { ...call, disconnection_reason: 'dial_no_answer' } };
    await store.hookReceipts.firstReceipt(hook, 'never', new Date('2026-03-01T09:31:00.000Z'));
    const [id] = await world.write([letter(body, hook)]);
    t.match(await world.json(['retry', id!]), { status: 0, errors: [] });
    const [[, event]] = (await publishedOf(id!)) as [[string, { started_at: string }]];
    t.equal(new Date(event.started_at).toISOString(), '2026-03-01T09:31:00.000Z');
  });

  await t.test('what means no call now, is of no hook or not whole is named', async (t) => {
    const gone = await createHook(store, { id: 'u-8' });
    await store.hooks.delete(gone);
    const account = { account: 'u-9' };
    const [skipped, orphan, cut] = await world.write([
      letter(record('s', { ...account, kind: 'ring' })),
      letter(record('o'), gone),
      letter(Buffer.from(JSON.stringify(record('cut', { ...account, text: 'x'.repeat(1_000_000) })))),
    ]);
    await change({ when: { path: 'kind', equals: 'end' } });
    const { errors } = await world.json(['retry', skipped!, orphan!, cut!]);
    t.match(errors, [
      { letter: skipped, code: 'LETTER_WITHOUT_CALL' },
      { letter: orphan, code: 'LETTER_HOOK_UNKNOWN' },
      { letter: cut, code: 'LETTER_CUT' },
    ]);
  });

  await t.test('a letter of an erased user is never published', async (t) => {
    await change({ user: { from: 'tenant' }, when: { path: 'uuid', equals: 'e' } });
    const [byPayload] = await world.write([letter(record('e', { tenant: 'erased' }))]);
    const fixed = await createHook(store, { id: 'erased' });
    const [byHook] = await world.write([letter({ uuid: 'no more' }, fixed)]);
    await store.erasures.begin('erased');
    const { errors } = await world.json(['retry', byPayload!, byHook!, '--force']);
    t.match(errors, [{ code: 'LETTER_OF_ERASED_USER' }, { code: 'LETTER_OF_ERASED_USER' }]);
    t.strictSame([await publishedOf(byPayload!), await publishedOf(byHook!)], [[], []]);
  });
});

async function createHook(store: Store, user: object): Promise<string> {
  const mapping = { fields: { call_id: 'uuid', started_at: 'start:s', duration_seconds: 'billsec' } };
  const definition = { provider: 'generic', user, mapping };
  return (await store.hooks.create({ _id: newHookId(), provider: 'generic', definition, secrets: [] }))._id;
}
