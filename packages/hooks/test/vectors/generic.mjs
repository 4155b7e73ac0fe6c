// Makes generic.json: signatures by openssl, each checked by a library of those who use the scheme.
//   mkdir /tmp/vendors && cd /tmp/vendors && npm install standardwebhooks@1.1.1 stripe@23.1.0 @octokit/webhooks-methods@6.0.0 \
//     && node REPOSITORY/packages/hooks/test/vectors/generic.mjs
import { pathToFileURL } from 'node:url';
import { hmac, library, versionOf, write } from './support.mjs';

const { Webhook } = library('standardwebhooks');
const Stripe = library('stripe');
const octokit = await import(pathToFileURL('node_modules/@octokit/webhooks-methods/dist-node/index.js').href);

const SIGNED_S = 1_772_357_492;
// The libraries look at the clock.
Date.now = () => SIGNED_S * 1000 + 250;

const SECRET = 'a secret with "characters" beyond ASCII: ключ';
const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const BODY = JSON.stringify({ event: 'call.ended', id: 'c-1', name: 'José 📞' });
const vectors = [];

function add(name, auth, secret, headers) {
  vectors.push({ name, auth, secret, headers, body: BODY, receivedAtMs: Date.now() });
}

const github = `sha256=${hmac('sha256', SECRET, BODY).toString('hex')}`;
if (!(await octokit.verify(SECRET, BODY, github))) throw new Error('GitHub');
add('GitHub', { scheme: 'hmac-sha256', header: 'X-Hub-Signature-256', prefix: 'sha256=' }, SECRET, {
  'x-hub-signature-256': github,
});

const v1 = hmac('sha256', SECRET, `${SIGNED_S}.${BODY}`).toString('hex');
const old = hmac('sha256', 'the secret before', `${SIGNED_S}.${BODY}`).toString('hex');
const stripe = `t=${SIGNED_S},v1=${old},v1=${v1},v0=6ffbb59b2300aae63f272406069a9788598b792a944a07aba816edb039989a39`;
Stripe('none').webhooks.constructEvent(BODY, stripe, SECRET);
add('Stripe', { scheme: 'timestamped', header: 'Stripe-Signature' }, SECRET, { 'stripe-signature': stripe });

const whsec = `whsec_${KEY.toString('base64')}`;
const standard = {
  'webhook-id': 'msg_1',
  'webhook-timestamp': String(SIGNED_S),
  'webhook-signature': `v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg== v1,${hmac('sha256', KEY, `msg_1.${SIGNED_S}.${BODY}`).toString('base64')}`,
};
new Webhook(whsec).verify(BODY, standard);
add('Standard Webhooks', { scheme: 'standard-webhooks' }, whsec, standard);

add(
  'Slack and Zoom, in milliseconds',
  {
    scheme: 'hmac-sha256',
    header: 'x-zm-signature',
    prefix: 'v0=',
    timestampHeader: 'x-zm-request-timestamp',
    signed: 'v0:{timestamp}:{body}',
  },
  SECRET,
  {
    'x-zm-signature': `v0=${hmac('sha256', SECRET, `v0:${SIGNED_S}000:${BODY}`).toString('hex')}`,
    'x-zm-request-timestamp': `${SIGNED_S}000`,
  },
);
add('SHA-1 in base64', { scheme: 'hmac-sha1', header: 'x-signature', encoding: 'base64' }, SECRET, {
  'x-signature': hmac('sha1', SECRET, BODY).toString('base64'),
});

write('generic.json', {
  by: `openssl, ${['standardwebhooks', 'stripe', '@octokit/webhooks-methods'].map((name) => `${name} ${versionOf(name)}`).join(', ')}`,
  vectors,
});
