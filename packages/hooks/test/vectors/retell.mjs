// Makes retell.json: signatures by openssl, each checked by Retell's own library.
//   mkdir /tmp/vendors && cd /tmp/vendors && npm install retell-sdk@5.66.1 && node REPOSITORY/packages/hooks/test/vectors/retell.mjs
import { strict as assert } from 'node:assert';
import { hmac, library, payload, versionOf, write } from './support.mjs';

const { verify, sign } = library('retell-sdk');

const API_KEY = 'key_0123456789abcdef0123456789ab';
const SIGNED_MS = 1_772_357_486_123;
// The library looks at the clock.
Date.now = () => SIGNED_MS;

const cases = [
  { name: 'the end of a call', body: payload('retell-call-ended.json') },
  { name: 'a call that was not connected', body: payload('retell-call-not-connected.json') },
  {
    name: 'characters beyond ASCII',
    body: JSON.stringify({ event: 'call_started', call: { note: 'José 📞' } }),
  },
];

const vectors = [];
for (const { name, body } of cases) {
  const signature = `v=${SIGNED_MS},d=${hmac('sha256', API_KEY, `${body}${SIGNED_MS}`).toString('hex')}`;
  assert(await verify(body, API_KEY, signature));
  vectors.push({
    name,
    url: 'https://calls.example/hooks/retell/hook_7f0c',
    headers: { 'content-type': 'application/json', 'x-retell-signature': signature },
    body,
    secret: API_KEY,
    receivedAtMs: SIGNED_MS + 250,
  });
}
vectors.push({
  ...vectors[0],
  name: 'the end of a call, signed by the library',
  headers: { ...vectors[0].headers, 'x-retell-signature': await sign(vectors[0].body, API_KEY) },
});

write('retell.json', { by: `openssl, retell-sdk ${versionOf('retell-sdk')}`, vectors });
