import { test } from 'tap';
import { numberOf, readId, readUser, textOf, translated } from '../src/event-fields.ts';

test('numbers may be written as text, and nothing else is one', async (t) => {
  for (const [value, number] of [
    [84, 84],
    ['84', 84],
    ['84.25', 84.25],
    [0, 0],
    ['0', 0],
  ]) {
    t.equal(numberOf(value), number, String(value));
  }
  const others = [
    -1,
    '-1',
    '',
    ' 84',
    '84 s',
    '1e3',
    '0x10',
    'NaN',
    Number.NaN,
    Infinity,
    null,
    undefined,
    true,
    {},
    [],
  ];
  for (const value of others) t.equal(numberOf(value), undefined, String(value));
});

test('a number that is an id is its digits', async (t) => {
  t.same(readId(42, 'id', ''), { id: '42' });
  t.same(readId('u-42', 'id', ''), { id: 'u-42' });
  t.equal(textOf('') ?? textOf(null) ?? textOf({}), undefined);
});

test('a user is fixed, or at a path', async (t) => {
  const payload = { call: { user: 'u-42', state: Buffer.from('{"user_id":7}').toString('base64') } };
  const user = (from: string) => readUser(payload, { provider: 'telnyx', user: { from } });
  t.same(readUser(payload, { provider: 'telnyx', user: { id: 'u-1' } }), { id: 'u-1' });
  t.same(user('call.user'), { id: 'u-42' });
  t.same(user('/call/state/user_id'), { id: '7' });
});

test('where there is no user, the rejection names the path, what is there, and the remedy', async (t) => {
  const rejection = (payload: unknown) => {
    const user = readUser(payload, { provider: 'telnyx', user: { from: 'call.user' } });
    return 'rejection' in user ? user.rejection : undefined;
  };
  t.same(rejection({ call: {} }), {
    code: 'FIELD_MISSING',
    field: 'call.user',
    message:
      'call.user is missing; the hook takes the user from there: send it, or give the hook another path',
  });
  t.match(rejection({ call: { user: ' u' } }), {
    code: 'FIELD_INVALID',
    message: /^call\.user is " u"; it must be a string/,
  });
  t.match(rejection({ call: { user: { id: 'u' } } }), { message: /^call\.user is an object;/ });
});

test('a word that the table does not have is kept as it came', async (t) => {
  const table = { busy_here: 'busy' };
  t.equal(translated('busy_here', table), 'busy');
  t.equal(translated('constructor', table), 'constructor');
  t.equal(translated(undefined, table), undefined);
});
