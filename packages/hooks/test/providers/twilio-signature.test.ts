import { createHash, createHmac } from 'node:crypto';
import { test } from 'tap';
import { testSignatures, vectorsOf, verdict } from '../signed.ts';

const vector = (name: string) => vectorsOf('twilio').find((vector) => vector.name === name)!;
const SETTINGS = 'x-twilio-webhooks-signature-settings';

test('only Twilio can sign', async (t) => {
  testSignatures(t, 'twilio', {
    secrets: ['12345678901234567890123456789013', 'x'],
    headers: ['x-twilio-signature'],
    encoding: 'base64',
  });
});

test('the address is signed: another hook, host, path or parameter is foreign', async (t) => {
  const { url, ...signed } = vector('parameters in the address, percent-encoded and plain');
  const foreign = [
    url.replace('hook_7f0c', 'hook_7f0d'),
    url.replace('calls.example', 'calls.example.org'),
    url.replace('user=u-42', 'user=u-43'),
    url.replace('https:', 'http:'),
    url.replace('%20', '+'),
    url.replace('.example/', '.example:8443/'),
    url.slice(0, url.indexOf('?')),
    `${url}#`,
    '',
    'no address',
  ];
  for (const other of foreign) {
    const is = verdict('twilio', { url, ...signed }, { url: other });
    // A port is signed or not, whatever it is.
    t.equal(is, other.includes(':8443') ? undefined : 'SIGNATURE_INVALID', other);
  }
});

test('a signature of one algorithm is none of the other, and others are refused', async (t) => {
  const shared = vector('a key of its own for webhooks');
  const settings = (value: string | string[] | undefined) => ({
    headers: { ...shared.headers, [SETTINGS]: value },
  });
  t.equal(
    verdict('twilio', shared, settings(undefined)),
    'SIGNATURE_MISSING',
    'its length is wrong for SHA-1',
  );
  t.equal(verdict('twilio', shared, settings('key=k,algorithm=HMAC_SHA1')), 'SIGNATURE_MISSING');
  t.equal(verdict('twilio', shared, settings(' algorithm = HMAC_SHA256 , key=k')), undefined);
  for (const bad of [
    '',
    'key=k',
    'algorithm=',
    'algorithm=none',
    'algorithm=HMAC_MD5',
    'algorithm=constructor',
    'xalgorithm=HMAC_SHA256',
  ])
    t.equal(verdict('twilio', shared, settings(bad)), 'SIGNATURE_INVALID', bad);
  t.equal(verdict('twilio', shared, settings([shared.headers[SETTINGS]!])), 'SIGNATURE_INVALID', 'repeated');
});

test('JSON counts only with its hash in the address', async (t) => {
  const events = vector('events of Event Streams, as JSON');
  const hashOf = (text: string) => createHash('sha256').update(text).digest('hex');
  const other = '[{"call_state":"completed"}]';
  t.equal(
    verdict('twilio', events, {
      body: Buffer.from(other),
      url: events.url.replace(/=.*/, `=${hashOf(other)}`),
    }),
    'SIGNATURE_INVALID',
    'the hash is signed',
  );
  for (const url of [
    events.url.replace(/=.*/, '=abc'),
    events.url.replace(/=.*/, '='),
    events.url.replace('SHA', 'sha'),
  ])
    t.equal(verdict('twilio', events, { url }), 'SIGNATURE_INVALID', url);

  // Without its hash, a signature of the bare address would cover any JSON.
  const bare = vector('a status callback');
  const signature = createHmac('sha1', bare.secret).update(bare.url).digest('base64');
  const headers = { ...bare.headers, 'x-twilio-signature': signature };
  t.equal(verdict('twilio', bare, { headers, body: Buffer.alloc(0) }), undefined);
  for (const body of [other, ` \n${other}`, '{}'])
    t.equal(verdict('twilio', bare, { headers, body: Buffer.from(body) }), 'SIGNATURE_INVALID', body);
});

test('a form that is far too large is refused before it is taken apart', async (t) => {
  const bare = vector('a status callback');
  const is = (length: number) => {
    const value = 'x'.repeat(length - 2);
    const signature = createHmac('sha1', bare.secret).update(`${bare.url}a${value}`).digest('base64');
    const headers = { ...bare.headers, 'x-twilio-signature': signature };
    return verdict('twilio', bare, { headers, body: Buffer.from(`a=${value}`) });
  };
  t.equal(is(65_536), undefined);
  t.equal(is(65_537), 'SIGNATURE_INVALID');
});
