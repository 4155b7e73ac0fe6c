// Makes livekit.json: tokens signed by openssl and by LiveKit's own library, each checked by that library.
//   mkdir /tmp/vendors && cd /tmp/vendors && npm install livekit-server-sdk@2.19.2 && node REPOSITORY/packages/hooks/test/vectors/livekit.mjs
import { hmac, library, openssl, payload, versionOf, write } from './support.mjs';

const RECEIVED = Date.parse('2026-03-01T09:31:25.250Z');
// The library looks at the clock.
const { Date: RealDate } = globalThis;
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [RECEIVED] : args));
  }
  static now = () => RECEIVED;
};

const { AccessToken, WebhookReceiver } = library('livekit-server-sdk');

const API_KEY = 'APIwLeah7g4fuLYDYAJeaKs';
const SECRET = 'E1JW7qxVl6d1FZFWFpQyw6rZ8f2TYvgrqkxp5xVi9uE';
const SIGNED_S = Math.floor(RECEIVED / 1000);

const base64url = (value) => Buffer.from(value).toString('base64url');
const digestOf = (body) => openssl(['dgst', '-sha256', '-binary'], body).toString('base64');

/** As the server makes it. */
function byOpenssl(body) {
  const claims = { iss: API_KEY, nbf: SIGNED_S, exp: SIGNED_S + 300, sha256: digestOf(body) };
  const signed = `${base64url('{"alg":"HS256","typ":"JWT"}')}.${base64url(JSON.stringify(claims))}`;
  return `${signed}.${hmac('sha256', SECRET, signed).toString('base64url')}`;
}

function byLibrary(body) {
  const token = new AccessToken(API_KEY, SECRET, { ttl: 300 });
  token.sha256 = digestOf(body);
  return token.toJwt();
}

const cases = [
  { name: 'a job', body: payload('livekit-agent-job-ended.json'), sign: byOpenssl },
  { name: 'a room', body: payload('livekit-room-finished.json'), sign: byOpenssl },
  { name: 'a job, signed by the library', body: payload('livekit-agent-job-ended.json'), sign: byLibrary },
  {
    name: 'characters beyond ASCII',
    body: JSON.stringify({ event: 'room_finished', room: { name: 'José 📞' } }),
    sign: byOpenssl,
  },
];

const receiver = new WebhookReceiver(API_KEY, SECRET);
const vectors = [];
for (const { name, body, sign } of cases) {
  const authorization = await sign(body);
  await receiver.receive(body, authorization);
  vectors.push({
    name,
    url: 'https://calls.example/hooks/livekit/hook_7f0c',
    headers: { 'content-type': 'application/webhook+json', authorization },
    body,
    secret: SECRET,
    receivedAtMs: RECEIVED,
  });
}

write('livekit.json', { by: `openssl, livekit-server-sdk ${versionOf('livekit-server-sdk')}`, vectors });
