import { StoreError } from '@calltally/store';
import { test } from 'tap';
import { maskKeys, toLoggedError } from '../src/redaction.ts';

test('a logged error has no stack, address, key or password', (t) => {
  for (const said of [
    'connect ECONNREFUSED 10.1.2.3:27017',
    'connect ECONNREFUSED 10.1.2.3:1',
    'getaddrinfo ENOTFOUND store.internal',
    'no answer from [fe80::1]:6379',
    'store.internal:6379 is gone',
    'bad key ct_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG',
    'redis://someone:hunter2@store.internal is gone',
  ]) {
    const fault = toLoggedError(new Error(said));
    t.notMatch(fault.message, /10\.1|internal|fe80|abcdefgh|hunter2/, said);
    t.match(fault.at, /redaction\.test\.ts/);
    t.notMatch(JSON.stringify(fault), /\\n/);
  }
  t.end();
});

test('keys and tokens are masked wherever they stand, whole or in part', (t) => {
  const token = `eyJ${'a'.repeat(30)}.eyJ${'b'.repeat(60)}.${'c'.repeat(86)}`;
  for (const [text, masked] of [
    [token, 'eyJ***'],
    [`/x/${token}/y`, '/x/eyJ***/y'],
    [`jwt=${token.slice(0, 50)}`, 'jwt=eyJ***'],
    [token.slice(0, 20), 'eyJ***'],
    [token.slice(token.indexOf('.') + 1), 'eyJ***'],
    [`${token} ct_${'d'.repeat(43)}`, 'eyJ*** ct_***'],
    ['a key, eyJ, ct_', 'a key, eyJ, ct_'],
  ] as const) {
    t.equal(maskKeys(text), masked, text);
  }
  t.notMatch(toLoggedError(new Error(`cannot read ${token}`)).message, /aaaa|bbbb|cccc/);
  t.end();
});

test("a store's error is logged by its code, its meaning and the name of its cause", (t) => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 10.1.2.3:1'), { name: 'MongoNetworkError' });
  t.strictSame(toLoggedError(new StoreError('STORE_UNAVAILABLE', true, cause)), {
    type: 'StoreError',
    code: 'STORE_UNAVAILABLE',
    message:
      'no Mongo can be reached; see that it runs, that MONGODB_URI names it, and that TLS and certificates in it are what it expects',
    cause: 'MongoNetworkError',
  });
  t.same(toLoggedError('thrown text'), { type: 'string', message: 'thrown text' });
  t.end();
});
