import { readdirSync } from 'node:fs';
import { checkCallEvent, REJECTION_CODES } from '@calltally/contract';
import { isId } from '@calltally/domain';
import { PROVIDERS, type Reading } from '@calltally/hooks';
import fc from 'fast-check';
import { test } from 'tap';
import { payload, RECEIVED_AT, read } from './reading.ts';

/** That the text of an object can be asked for is not certain: JSON may have a `toString` of its own. */
const junk = fc.oneof(
  fc.jsonValue(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom<unknown>(0, -1, 1e300, 2 ** 53, '', ' ', '0', '9'.repeat(20), '1e9', '__proto__', [], null),
  fc.constantFrom<unknown>({}, { toString: {} }, { toString: 1, valueOf: 1 }),
);

/** The files of `payloads/` that a platform sends. */
const examplesOf = (provider: string) =>
  readdirSync(new URL('./payloads/', import.meta.url)).filter((name) => name.startsWith(`${provider}-`));

/** Every value within a value, with a way to replace it. */
function* placesOf(parent: Record<string, unknown>): Generator<(value: unknown) => void> {
  for (const [name, value] of Object.entries(parent)) {
    yield (other) => {
      parent[name] = other;
    };
    if (typeof value === 'object' && value !== null) yield* placesOf(value as Record<string, unknown>);
  }
}

function faultOf(reading: Reading): string | undefined {
  if ('skipped' in reading) return reading.skipped === '' ? 'skipped without a reason' : undefined;
  if ('rejection' in reading) {
    const { code, message } = reading.rejection;
    return REJECTION_CODES.includes(code) && message.length < 1000 ? undefined : `${code}: ${message}`;
  }
  const { call_id, user_id, started_at, duration_seconds, ...others } = reading.event;
  checkCallEvent(reading.event, RECEIVED_AT);
  if (!isId(call_id) || !isId(user_id) || typeof started_at !== 'string') return 'a field is missing';
  if (duration_seconds !== undefined && !((duration_seconds as number) >= 0)) return 'a duration below zero';
  const { revision = 0, ...texts } = others;
  if (!Number.isSafeInteger(revision)) return 'an odd revision';
  return Object.values(texts).every((text) => typeof text === 'string') ? undefined : 'a field is no text';
}

for (const provider of Object.keys(PROVIDERS).filter((name) => examplesOf(name).length > 0)) {
  const examples = examplesOf(provider).map(payload);
  const events = PROVIDERS[provider]!.events;
  const isSound = (body: unknown) => {
    for (const taken of [undefined, ...events.map((event) => [event])]) {
      for (const reading of read(provider, body, taken && { events: taken })) {
        const fault = faultOf(reading);
        if (fault !== undefined) throw new Error(fault);
      }
    }
  };

  test(`${provider}: whatever the bytes are, the readings are sound`, async (t) => {
    fc.assert(fc.property(fc.oneof(fc.json(), fc.uint8Array().map(Buffer.from)), isSound));
    t.pass();
  });

  test(`${provider}: an example with anything anywhere has sound readings`, async (t) => {
    const changed = fc.tuple(fc.constantFrom(...examples), fc.nat(), junk).map(([text, at, value]) => {
      if (!text.startsWith('{')) {
        const form = [...new URLSearchParams(text)];
        form[at % form.length]![1] = typeof value === 'string' ? value : JSON.stringify(value);
        return new URLSearchParams(form).toString();
      }
      const example = JSON.parse(text);
      const places = [...placesOf(example)];
      places[at % places.length]!(value);
      return JSON.stringify(example);
    });
    fc.assert(fc.property(changed, isSound), { numRuns: 1000 });
    t.pass();
  });

  test(`${provider}: headers and secrets of any kind open nothing`, async (t) => {
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('', 't=1,v0=00', 'Bearer ', 'a.b.c'),
    );
    const names = fc.constantFrom(
      'authorization',
      'elevenlabs-signature',
      'telnyx-timestamp',
      'telnyx-signature-ed25519',
      'x-twilio-signature',
      'x-twilio-webhooks-signature-settings',
      'x-retell-signature',
      'x-vapi-secret',
    );
    fc.assert(
      fc.property(
        fc.dictionary(names, fc.oneof(text, fc.array(text))),
        fc.uint8Array(),
        text,
        // Never what a header has: Vapi sends the secret itself.
        text.map((secret) => `secret ${secret}`),
        (headers, bytes, url, secret) => {
          const request = { body: Buffer.from(bytes), headers, url, receivedAtMs: RECEIVED_AT };
          const definition = { provider, user: { id: 'u-42' } };
          return (
            PROVIDERS[provider]!.verify(request, [{ kind: 'text', text: secret }], definition) !== undefined
          );
        },
      ),
    );
    t.pass();
  });
}
