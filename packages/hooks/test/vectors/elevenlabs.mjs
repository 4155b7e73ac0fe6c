// Makes elevenlabs.json: signatures by openssl, each checked by ElevenLabs' own library.
//   In an empty folder: npm install @elevenlabs/elevenlabs-js@2.73.0 \
//     && node REPOSITORY/packages/hooks/test/vectors/elevenlabs.mjs
import { hmac, library, payload, versionOf, write } from './support.mjs';

const { ElevenLabsClient } = library('@elevenlabs/elevenlabs-js');
const { webhooks } = new ElevenLabsClient({ apiKey: 'none' });

const SECRET = 'wsec_0123456789abcdef0123456789abcdef';
const SIGNED_S = 1_772_357_492;
// The library looks at the clock.
Date.now = () => SIGNED_S * 1000 + 250;

const cases = [
  { name: 'a transcription', body: payload('elevenlabs-post-call-transcription.json') },
  { name: 'a failure', body: payload('elevenlabs-call-initiation-failure.json') },
  {
    name: 'characters beyond ASCII',
    body: JSON.stringify({ type: 'post_call_audio', data: { transcript: 'José 📞' } }),
  },
];

const vectors = [];
for (const { name, body } of cases) {
  const signature = hmac('sha256', SECRET, `${SIGNED_S}.${body}`).toString('hex');
  const header = `t=${SIGNED_S},v0=${signature}`;
  await webhooks.constructEvent(body, header, SECRET);
  vectors.push({
    name,
    url: 'https://calls.example/hooks/elevenlabs/hook_7f0c',
    headers: { 'content-type': 'application/json', 'elevenlabs-signature': header },
    body,
    secret: SECRET,
    receivedAtMs: Date.now(),
  });
}

write('elevenlabs.json', { by: `openssl, elevenlabs-js ${versionOf('@elevenlabs/elevenlabs-js')}`, vectors });
