import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { callValue, DeadLetterWorld } from '../dead-letters/support.ts';
import { folder } from '../support.ts';

test('dlq retry', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const good = (callId: string) => ({ key: 'u-1', value: callValue(callId) });
  const stateOf = async (id: string) => {
    const { out } = await world.json(['list', '--all']);
    return out.letters.find((letter: { id: string }) => letter.id === id).state;
  };
  const timesOf = async (id: string) => (await world.publishedTimes()).get(id) ?? 0;

  await t.test('publishes key, value and headers as they came, and names the letter', async (t) => {
    const headers = {
      traceparent: 'abc',
      'error-code': 'theirs',
      many: ['a', 'b'],
      bytes: Buffer.from([0xff]),
    };
    const [id] = await world.letters([{ ...good('c-1'), headers }]);
    t.strictSame(await world.json(['retry', id!]), {
      status: 0,
      out: { retried: 1, already: 0, in_doubt: 0, problems: 0 },
      errors: [],
    });
    const [message] = await world.published();
    t.strictSame(message!.key, Buffer.from('u-1'));
    t.strictSame(message!.value, Buffer.from(callValue('c-1')));
    t.strictSame(
      { ...message!.headers },
      {
        traceparent: Buffer.from('abc'),
        'error-code': Buffer.from('theirs'),
        many: [Buffer.from('a'), Buffer.from('b')],
        bytes: Buffer.from([0xff]),
        'retried-from': Buffer.from(`${world.dlqTopic}:${id}`),
      },
    );
    t.equal(await stateOf(id!), 'retried');
  });

  await t.test('what an earlier version rejected and this one takes is published', async (t) => {
    const rejected = [
      { value: callValue('+1555', { user_id: '+15550100042' }), code: 'FIELD_INVALID' },
      {
        value: callValue('KyZQ==', { status: 'no-answer', direction: 'outbound-api' }),
        code: 'FIELD_INVALID',
      },
      { value: callValue('c-6', { ended_at: 'later' }), code: 'ENDED_AT_INVALID' },
    ] as const;
    const ids = await world.letters([...rejected]);
    t.match(await world.json(['retry', ...ids]), { status: 0, out: { retried: 3, problems: 0 } });
    const published = new Map(
      (await world.published()).map(({ headers, value }) => [
        String(headers?.['retried-from']),
        String(value),
      ]),
    );
    for (const [i, id] of ids.entries())
      t.equal(published.get(`${world.dlqTopic}:${id}`), rejected[i]!.value);
  });

  await t.test('a letter is retried once, whoever asks and however often', async (t) => {
    const [id] = await world.letters([good('c-2')]);
    t.match((await world.json(['retry', id!, id!])).out, { retried: 1 });
    t.match(await world.json(['retry', id!]), { status: 0, out: { retried: 0, already: 1 } });
    t.match(await world.json(['retry', '--code', 'EVENT_NOT_JSON', '--yes']), {
      status: 0,
      out: { retried: 0 },
    });
    t.equal(await timesOf(id!), 1);
    t.match(await world.json(['retry', id!, '--again']), { status: 0, out: { retried: 1 } });
    t.equal(await timesOf(id!), 2, 'but for who insists');
  });

  await t.test('an event that has several letters is retried once', async (t) => {
    const event = { ...good('c-3'), partition: 1, offset: 5_000 };
    const [first, second] = await world.letters([event, event]);
    t.match(await world.json(['retry', '--partition', '1', '--yes']), { status: 0, out: { retried: 1 } });
    const [third] = await world.letters([event]);
    t.match(await world.json(['retry', second!, third!]), { status: 0, out: { retried: 0, already: 1 } });
    t.equal(
      (await Promise.all([first!, second!, third!].map(timesOf))).reduce((a, b) => a + b),
      1,
    );
    const [other] = await world.letters([{ ...event, value: callValue('c-4') }]);
    t.match(
      (await world.json(['retry', other!])).out,
      { retried: 1 },
      'the same place of a recreated topic is another event',
    );
  });

  await t.test('without yes, filters publish nothing; a dry run says what would be', async (t) => {
    const [id] = await world.letters([good('c-5')]);
    t.match(await world.json(['retry', '--since', '2026-01-01']), { status: 2, errors: [{ code: 'USAGE' }] });
    t.match(
      await world.json(['retry', id!, '--code', 'EVENT_EMPTY', '--yes']),
      { status: 2 },
      'ids or filters',
    );
    t.match(await world.json(['retry', '--dry-run']), { status: 0, out: { would_retry: 1, problems: 0 } });
    t.match((await world.dlq(['retry', '--dry-run'])).out, '1 would be published');
    t.equal(await stateOf(id!), 'open');
    t.equal(await timesOf(id!), 0);
    t.match((await world.dlq(['retry', '--since', '2026-01-01', '--yes'])).out, '1 published again');
  });

  await t.test('what would be rejected again is named and left, unless forced', async (t) => {
    const [bad, deleted, fine] = await world.letters([
      { value: callValue('c-6', { duration_seconds: -1 }), code: 'DURATION_INVALID' },
      { value: callValue('c-4', { deleted: true }), code: 'FIELD_MISSING' },
      good('c-7'),
    ]);
    const { status, out, errors } = await world.json(['retry', '--yes']);
    t.equal(status, 1);
    t.match(out, { retried: 1, problems: 2 });
    t.match(errors, [
      { letter: bad, code: 'LETTER_REJECTED_AGAIN', message: /DURATION_INVALID.*--value/ },
      { letter: deleted, code: 'LETTER_REJECTED_AGAIN', message: /FIELD_MISSING.*--value/ },
    ]);
    t.strictSame(
      [await stateOf(bad!), await stateOf(deleted!), await stateOf(fine!)],
      ['open', 'open', 'retried'],
    );
    t.match(await world.json(['retry', bad!, deleted!, '--force']), { status: 0, out: { retried: 2 } });
    t.equal(await timesOf(bad!), 1);
  });

  await t.test(
    '--value publishes a corrected event, under its own user, and refuses one that is none',
    async (t) => {
      const cwd = await folder(t);
      const [id, other] = await world.letters([{ key: 'u-1', value: '{', headers: { h: 'x' } }, good('c-8')]);
      await writeFile(join(cwd, 'bad.json'), callValue('c-9', { user_id: ' ' }));
      await writeFile(join(cwd, 'deleted.json'), callValue('c-9', { deleted: true }));
      await writeFile(join(cwd, 'good.json'), callValue('c-9', { user_id: 'u-3' }));
      const retry = (args: string[]) => world.json(['retry', ...args], { env: world.env, cwd });
      for (const [file, code] of [
        ['bad.json', 'VALUE_REJECTED'],
        ['deleted.json', 'VALUE_REJECTED'],
        ['none.json', 'FILE_UNREADABLE'],
      ]) {
        t.match(await retry([id!, '--value', file!, '--force']), { status: 1, errors: [{ code }] });
      }
      t.equal((await retry([id!, other!, '--value', 'good.json'])).status, 2, 'for one letter only');
      t.equal(await stateOf(id!), 'open');
      t.match(await retry([id!, '--value', 'good.json']), { status: 0, out: { retried: 1 } });
      const message = (await world.published()).find(({ value }) => value?.includes('c-9'));
      t.match(message, { key: Buffer.from('u-3'), value: Buffer.from(callValue('c-9', { user_id: 'u-3' })) });
      t.match(message!.headers, {
        h: Buffer.from('x'),
        'retried-from': Buffer.from(`${world.dlqTopic}:${id}`),
      });
      t.match(await world.json(['retry', other!]), { status: 0 });
    },
  );

  await t.test('a letter that version 0.1 was killed over is open', async (t) => {
    const [named, filtered, unwanted] = await world.letters([good('c-10'), good('c-11'), good('c-15')]);
    await world.leaveRetrying([named!, filtered!, unwanted!]);
    t.match((await world.json(['list'])).out.letters, [
      { id: named, state: 'open' },
      { id: filtered, state: 'open' },
      { id: unwanted, state: 'open' },
    ]);
    t.match(await world.json(['discard', unwanted!, '--yes']), { status: 0, out: { discarded: 1 } });
    t.match(await world.json(['retry', named!]), { status: 0, out: { retried: 1 } });
    t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: 1 } });
    t.strictSame([await timesOf(named!), await timesOf(filtered!)], [1, 1]);
    t.strictSame(
      [await stateOf(named!), await stateOf(filtered!), await stateOf(unwanted!)],
      ['retried', 'retried', 'discarded'],
    );
  });

  await t.test('--again is for letters that are named', async (t) => {
    t.match(await world.json(['retry', '--yes', '--again']), {
      status: 2,
      errors: [{ code: 'USAGE', message: /--again needs ids/ }],
    });
  });

  await t.test('what ingest did not write, or came from no topic there is, is not published', async (t) => {
    const [strange, hostile, gone] = await world.write([
      { value: callValue('c-12') },
      {
        value: callValue('c-13'),
        headers: { 'source-topic': world.dlqTopic, 'source-partition': '0', 'source-offset': '1' },
      },
      {
        value: callValue('c-14'),
        headers: { 'source-topic': `${world.topic}.gone`, 'source-partition': '0', 'source-offset': '1' },
      },
    ]);
    const { status, errors, out } = await world.json(['retry', strange!, hostile!, gone!, '0:999999']);
    t.equal(status, 1);
    t.match(out, { retried: 0, problems: 4 });
    t.match(errors, [
      { letter: strange, code: 'LETTER_SOURCELESS' },
      { letter: hostile, code: 'LETTER_SOURCE_UNKNOWN' },
      { letter: gone, code: 'LETTER_SOURCE_UNKNOWN' },
      { letter: '0:999999', code: 'LETTER_UNKNOWN' },
    ]);
    t.match(await world.json(['discard', strange!, hostile!, gone!, '--yes']), {
      status: 0,
      out: { discarded: 3 },
    });
  });

  await t.test(
    'a letter that holds a part of its event is not published, a whole one in its place is',
    async (t) => {
      const [id] = await world.letters([{ key: 'u-1', value: 'x'.repeat(300_000) }]);
      const refused = await world.json(['retry', id!, '--force']);
      t.match(refused, { status: 1, out: { retried: 0, problems: 1 }, errors: [{ code: 'LETTER_CUT' }] });
      const file = join(await folder(t), 'whole.json');
      await writeFile(file, callValue('c-whole'));
      t.match((await world.json(['retry', id!, '--value', file])).out, { retried: 1 });
    },
  );
});
