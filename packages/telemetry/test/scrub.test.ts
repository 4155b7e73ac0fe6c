import fc from 'fast-check';
import { test } from 'tap';
import { redactUri, scrub } from '../src/index.ts';

test('a URI is shown without user, password and options', (t) => {
  t.equal(redactUri('mongodb://u:p@a:1,b:2/calltally?authSource=admin'), 'mongodb://***@a:1,b:2/calltally');
  t.equal(redactUri('redis://:p@127.0.0.1:6379'), 'redis://***@127.0.0.1:6379');
  t.equal(redactUri('redis://127.0.0.1:6379/1'), 'redis://127.0.0.1:6379/1');
  t.equal(redactUri('http://u:p@h:1/x'), 'http://***@h:1/x');
  t.end();
});

test('text without secrets stays unchanged', (t) => {
  for (const text of [
    'GET http://127.0.0.1:3000/analytics/dashboard?start_date=2026-03-01',
    'mail to somebody@example.com about 12:30',
    'redis://127.0.0.1:6379 is gone',
    '{"user_id":"u@x","tokens":3,"password":null}',
  ])
    t.equal(scrub(text), text);
  t.end();
});

test('a secret of any characters is masked in JSON, which keeps its shape', (t) => {
  const name = fc.constantFrom('password', 'authorization', 'api_key', 'apiKey', 'REDIS_PASSWORD', 'secret');
  fc.assert(
    fc.property(name, fc.string(), fc.string(), (member, secret, other) => {
      const scrubbed = JSON.parse(
        scrub(JSON.stringify([{ deep: { [member]: secret, other: 1 } }, other.length])),
      );
      t.same(scrubbed, [{ deep: { [member]: '***', other: 1 } }, other.length]);
    }),
  );
  t.end();
});

test('scrubbed JSON stays JSON', (t) => {
  fc.assert(
    fc.property(
      fc.jsonValue(),
      fc.constantFrom('redis://a:', 'Bearer ', '//x:', 'token='),
      (value, opening) => {
        const text = JSON.stringify({ value, said: `${opening}${JSON.stringify(value)}@h` });
        t.doesNotThrow(() => JSON.parse(scrub(text)));
      },
    ),
  );
  t.end();
});
