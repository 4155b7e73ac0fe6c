import { DEAD_LETTER_HEADERS, deadLetterMessage, hookLetterMessage, messageBytes } from '@calltally/contract';
import { test } from 'tap';

const letter = {
  key: Buffer.from('u-1'),
  value: Buffer.from('{"call_id":'),
  rejection: { code: 'EVENT_NOT_JSON', message: 'the value is not JSON' },
  topic: 'calls.completed',
  partition: 3,
  offset: '9007199254740993',
  failedAt: Date.parse('2026-03-28T12:00:00.250Z'),
} as const;

test('a dead letter has key and value as they came and says why and from where', async (t) => {
  const message = deadLetterMessage(letter);
  t.equal(message.key, letter.key);
  t.equal(message.value, letter.value);
  t.same(message.headers, {
    'error-code': 'EVENT_NOT_JSON',
    'error-message': 'the value is not JSON',
    'source-topic': 'calls.completed',
    'source-partition': '3',
    'source-offset': '9007199254740993',
    'failed-at': '2026-03-28T12:00:00.250Z',
  });
});

test('a message without key and value is a letter too', async (t) => {
  t.match(deadLetterMessage({ ...letter, key: null, value: null }), { key: null, value: null });
});

test('headers of the producer are kept', async (t) => {
  const headers = { traceparent: Buffer.from('00-1-2-01'), many: ['a', 'b'] };
  const message = deadLetterMessage({ ...letter, headers });
  t.match(message.headers, headers);
  t.same(Object.keys(headers), ['traceparent', 'many'], 'and what was given is left as it was');
});

test('a header with a name of ours is kept under another, the first one for good', async (t) => {
  const once = deadLetterMessage({ ...letter, headers: { 'error-code': 'theirs' } });
  t.match(once.headers, { 'error-code': 'EVENT_NOT_JSON', 'original-error-code': 'theirs' });
  const twice = deadLetterMessage({ ...letter, headers: once.headers });
  t.match(twice.headers, { 'error-code': 'EVENT_NOT_JSON', 'original-error-code': 'theirs' });
  for (const name of DEAD_LETTER_HEADERS) t.ok(twice.headers?.[name], name);
});

test('of a message that is too large as much is kept as any topic takes, and what is cut is said', async (t) => {
  const large = {
    ...letter,
    key: Buffer.alloc(900_000),
    value: Buffer.alloc(900_000),
    headers: {
      small: 'x',
      large: Buffer.alloc(900_000),
      none: null,
      many: ['y', null, Buffer.alloc(900_000)],
    },
  };
  const message = deadLetterMessage(large);
  t.ok(messageBytes(message) < 512 * 1024, `${messageBytes(message)} bytes`);
  t.match(message.headers, {
    small: 'x',
    'letter-cut':
      'value: the first 262144 of 900000 bytes; key: the first 16384 of 900000 bytes; headers left out: large, many',
  });
  t.ok('none' in message.headers!, 'a header without a value is kept');
  t.notOk('letter-cut' in deadLetterMessage(letter).headers!);
});

test('headers of any name are kept', async (t) => {
  const headers = Object.fromEntries(['constructor', '__proto__', 'toString', ''].map((name) => [name, 'x']));
  const message = deadLetterMessage({ ...letter, headers });
  for (const name of Object.keys(headers))
    t.ok(Object.keys(message.headers!).includes(name), JSON.stringify(name));
});

test('a letter for several offsets names the last one', async (t) => {
  t.match(deadLetterMessage({ ...letter, lastOffset: 12 }).headers, { 'source-last-offset': '12' });
});

test('the letter of a webhook has its body as it came, and says why and from which hook', async (t) => {
  const hookLetter = {
    hookId: 'hook_1',
    provider: 'twilio',
    body: Buffer.from('CallSid=CA1'),
    query: 'user=u-1',
    contentType: 'application/x-www-form-urlencoded',
    rejection: { code: 'FIELD_MISSING', message: 'user_id is missing', field: 'user_id' },
    receivedAtMs: Date.parse('2026-03-28T12:00:00.250Z'),
  } as const;
  t.strictSame(hookLetterMessage(hookLetter), {
    key: null,
    value: hookLetter.body,
    headers: {
      'error-code': 'FIELD_MISSING',
      'error-message': 'user_id is missing',
      'failed-at': '2026-03-28T12:00:00.250Z',
      'source-hook': 'hook_1',
      'source-provider': 'twilio',
      'source-query': 'user=u-1',
      'content-type': 'application/x-www-form-urlencoded',
    },
  });
  const large = hookLetterMessage({ ...hookLetter, body: Buffer.alloc(2_000_000) });
  t.ok(messageBytes(large) < 1_000_000, 'it fits into a topic that takes messages of 1 MiB');
  t.match(large.headers, { 'letter-cut': 'value: the first 917504 of 2000000 bytes' });
});
