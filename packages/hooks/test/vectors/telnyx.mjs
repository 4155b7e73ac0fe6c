// Makes telnyx.json: signatures by openssl, each checked by Telnyx' own library.
//   In an empty folder: npm install telnyx@7.24.0 && node REPOSITORY/packages/hooks/test/vectors/telnyx.mjs
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { library, openssl, payload, versionOf, write } from './support.mjs';

const { default: Telnyx } = library('telnyx');
const { webhooks } = new Telnyx({ apiKey: 'none' });

// The key of RFC 8032, section 7.1, test 1: everybody knows it.
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const SIGNED_S = 1_772_357_485;
// The library looks at the clock.
Date.now = () => SIGNED_S * 1000 + 250;

const folder = mkdtempSync(join(tmpdir(), 'vectors-'));
const file = (name, content) => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const key = file('key.der', Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'));
const fromKey = ['pkey', '-in', key, '-inform', 'DER', '-pubout'];
const pem = openssl(fromKey).toString();
const raw = openssl([...fromKey, '-outform', 'DER'])
  .subarray(-32)
  .toString('base64');

const cases = [
  { name: 'a hang-up', body: payload('telnyx-call-hangup.json') },
  {
    name: 'characters beyond ASCII',
    body: JSON.stringify({ data: { event_type: 'call.speak', text: 'José 📞' } }),
  },
];

const vectors = [];
for (const { name, body } of cases) {
  const text = file('text', `${SIGNED_S}|${body}`);
  const signature = openssl(['pkeyutl', '-sign', '-rawin', '-inkey', key, '-keyform', 'DER', '-in', text]);
  const headers = {
    'content-type': 'application/json',
    'telnyx-timestamp': String(SIGNED_S),
    'telnyx-signature-ed25519': signature.toString('base64'),
  };
  await webhooks.unwrap(body, { headers, key: raw });
  const url = 'https://calls.example/hooks/telnyx/hook_7f0c';
  vectors.push({ name, url, headers, body, secret: raw, receivedAtMs: Date.now() });
}
vectors.push({ ...vectors[0], name: 'the key as PEM', secret: pem });
rmSync(folder, { recursive: true });

write('telnyx.json', { by: `openssl, telnyx ${versionOf('telnyx')}`, vectors });
