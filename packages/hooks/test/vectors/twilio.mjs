// Makes twilio.json: signatures by openssl, each checked by Twilio's own library.
//   In an empty folder: npm install twilio@6.3.1 && node REPOSITORY/packages/hooks/test/vectors/twilio.mjs
import { strict as assert } from 'node:assert';
import { parse } from 'node:querystring';
import { hmac, library, openssl, payload, versionOf, write } from './support.mjs';

const twilio = library('twilio');

const TOKEN = '12345678901234567890123456789012';
const SHARED_KEY = 'sk-shared ключ';
const ADDRESS = 'https://calls.example/hooks/twilio/hook_7f0c';
const RECEIVED = Date.parse('2026-03-01T09:31:25Z');

const callback = payload('twilio-status-callback.txt').trim();
const odd =
  'To=%2B15550100042&CallerName=Jos%C3%A9+%F0%9F%93%9E&Digits=&Item=b&Item=a&Item=b&a=1&B=2&CallSid=CA1&CallStatus=completed';
const oddSigned = 'B2CallSidCA1CallStatuscompletedCallerNameJosé 📞DigitsItemaItembTo+15550100042a1';
const callbackSigned =
  'AccountSidAC00000000000000000000000000000042ApiVersion2010-04-01CallDuration84CallSidCA6f1e2d3c4b5a69788796a5b4c3d2e1f0' +
  'CallStatuscompletedCallbackSourcecall-progress-eventsCalled+15550100042Caller+15550100001Directionoutbound-apiDuration2' +
  'From+15550100001SequenceNumber3TimestampSun, 01 Mar 2026 09:31:24 +0000To+15550100042';
const summary = JSON.stringify([
  {
    specversion: '1.0',
    type: 'com.twilio.voice.insights.call-summary.complete',
    source: 'AC00000000000000000000000000000042',
    id: 'EZ1',
    data: JSON.parse(payload('twilio-insights-call-summary.json')),
  },
]);
const bodyHash = openssl(['dgst', '-sha256', '-binary'], summary).toString('hex');

/** `signed` is written out, not computed: it is what Twilio's documentation says, done by hand. */
const cases = [
  { name: 'a status callback', url: ADDRESS, body: callback, signed: ADDRESS + callbackSigned },
  {
    name: 'parameters in the address, percent-encoded and plain',
    url: `${ADDRESS}?user=u-42&note=it's%20me`,
    body: callback,
    signed: `${ADDRESS}?user=u-42&note=it's%20me${callbackSigned}`,
  },
  { name: 'repeated, empty and non-ASCII parameters', url: ADDRESS, body: odd, signed: ADDRESS + oddSigned },
  {
    name: 'the usual port signed, not in the address',
    url: ADDRESS,
    body: callback,
    signed: ADDRESS.replace('.example', '.example:443') + callbackSigned,
  },
  {
    name: 'the usual port in the address, not signed',
    url: ADDRESS.replace('.example', '.example:443'),
    body: callback,
    signed: ADDRESS + callbackSigned,
  },
  {
    name: 'another port',
    url: ADDRESS.replace('.example', '.example:8443'),
    body: callback,
    signed: ADDRESS.replace('.example', '.example:8443') + callbackSigned,
  },
  {
    name: 'an IPv6 address without TLS',
    url: 'http://[2001:db8::7]/hooks/twilio/hook_7f0c',
    body: callback,
    signed: `http://[2001:db8::7]:80/hooks/twilio/hook_7f0c${callbackSigned}`,
  },
  {
    name: 'events of Event Streams, as JSON',
    url: `${ADDRESS}?bodySHA256=${bodyHash}`,
    body: summary,
    signed: `${ADDRESS}?bodySHA256=${bodyHash}`,
    type: 'application/json',
  },
  {
    name: 'a key of its own for webhooks',
    url: ADDRESS,
    body: callback,
    signed: ADDRESS + callbackSigned,
    secret: SHARED_KEY,
    settings: 'key=webhooks_sharedkey_01,algorithm=HMAC_SHA256',
  },
  {
    name: 'a key of its own for webhooks, with the old algorithm',
    url: ADDRESS,
    body: callback,
    signed: ADDRESS + callbackSigned,
    secret: SHARED_KEY,
    settings: 'key=webhooks_sharedkey_01,algorithm=HMAC_SHA1',
  },
];

const vectors = cases.map(({ name, url, body, signed, type, secret = TOKEN, settings }) => {
  const algorithm = twilio.getSignatureAlgorithm(settings);
  const signature = hmac(algorithm === 'HMAC_SHA256' ? 'sha256' : 'sha1', secret, signed).toString('base64');
  const isValid = url.includes('bodySHA256')
    ? twilio.validateRequestWithBody(secret, signature, url, body, algorithm)
    : twilio.validateRequest(secret, signature, url, { ...parse(body) }, algorithm);
  assert.ok(isValid, `${name}: twilio and openssl differ`);
  const headers = {
    'content-type': type ?? 'application/x-www-form-urlencoded',
    'x-twilio-signature': signature,
    ...(settings === undefined ? {} : { 'x-twilio-webhooks-signature-settings': settings }),
  };
  return { name, url, headers, body, secret, receivedAtMs: RECEIVED };
});

write('twilio.json', { by: `openssl, twilio ${versionOf('twilio')}`, vectors });
