// Makes vapi.json by openssl: `node packages/hooks/test/vectors/vapi.mjs`. Vapi publishes no library that checks signatures.
// Its HMAC credential signs `<x-timestamp>.<body>` unless told otherwise.
import { hmac, payload, write } from './support.mjs';

const SECRET = 'vapi secret 0123456789 ключ';
const SIGNED_S = 1_772_357_486;
const ADDRESS = 'https://calls.example/hooks/vapi/hook_7f0c';

const body = payload('vapi-end-of-call-report.json');
const signed = (text) => hmac('sha256', SECRET, text).toString('hex');
const vector = (name, headers) => ({
  name,
  url: ADDRESS,
  headers: { 'content-type': 'application/json', ...headers },
  body,
  secret: SECRET,
  receivedAtMs: SIGNED_S * 1000 + 250,
});

const withTime = {
  'x-timestamp': String(SIGNED_S),
  'x-signature': signed(`${SIGNED_S}.${body}`),
};
write('vapi.json', {
  by: 'openssl',
  vectors: [vector('with a time', withTime), vector('the body alone', { 'x-signature': signed(body) })],
});
