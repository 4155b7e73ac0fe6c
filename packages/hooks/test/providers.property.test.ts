import { checkCallEvent } from '@calltally/contract';
import { PROVIDERS, type Reading } from '@calltally/hooks';
import fc from 'fast-check';
import { test } from 'tap';
import { payload, RECEIVED_AT } from './reading.ts';

const FILES: Readonly<Record<string, readonly string[]>> = {
  livekit: ['agent-job-ended', 'participant-left', 'room-finished'],
  vapi: ['end-of-call-report', 'end-of-call-report-never-started'],
  retell: ['call-ended', 'call-analyzed', 'call-not-connected'],
};
const TEXTS = ['call_id', 'user_id', 'started_at', 'ended_at', 'agent_id', 'direction', 'status'];

/** Values of a payload with what platforms, and nobody, would write there. */
const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 1 }),
  fc.constantFrom(
    undefined,
    '',
    '0',
    0,
    -1,
    1e300,
    '9'.repeat(19),
    '9'.repeat(400),
    '\u0000',
    '\ud800',
    [],
    {},
  ),
);

function keysOf(value: unknown, before: readonly string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, one]) => [[...before, key], ...keysOf(one, [...before, key])]);
}

function set(target: unknown, [key = '', ...more]: readonly string[], value: unknown): void {
  const fields = target as Record<string, unknown>;
  if (typeof target !== 'object' || target === null) return;
  if (more.length === 0) fields[key] = structuredClone(value);
  else set(fields[key], more, value);
}

function isSound(readings: readonly Reading[]): boolean {
  return readings.every((reading) => {
    if ('skipped' in reading) return typeof reading.skipped === 'string';
    if ('rejection' in reading) return reading.rejection.message.length < 1_000;
    checkCallEvent(reading.event, RECEIVED_AT);
    return Object.entries(reading.event).every(([field, value]) =>
      field === 'duration_seconds'
        ? Number.isFinite(value)
        : TEXTS.includes(field) && typeof value === 'string',
    );
  });
}

function readOf(provider: string, body: Buffer) {
  const { read, events } = PROVIDERS[provider]!;
  const request = { body, headers: {}, url: '', receivedAtMs: RECEIVED_AT };
  return read(request, { provider, events, user: { id: 'u-42' } });
}

for (const [provider, files] of Object.entries(FILES)) {
  test(`whatever ${provider} sends, reading it never throws, and an event has the contract's types`, async () => {
    const changed = fc.constantFrom(...files).chain((name) => {
      const example = () => JSON.parse(payload(`${provider}-${name}.json`));
      const key = fc.constantFrom(...keysOf(example()));
      return fc.array(fc.tuple(key, odd), { minLength: 1, maxLength: 4 }).map((changes) => {
        const value = example();
        for (const [path, one] of changes) set(value, path, one);
        return Buffer.from(JSON.stringify(value));
      });
    });
    fc.assert(
      fc.property(changed, (body) => isSound(readOf(provider, body))),
      { numRuns: 2_000 },
    );
    const any = fc.oneof(fc.json().map(Buffer.from), fc.uint8Array().map(Buffer.from));
    fc.assert(
      fc.property(any, (body) => isSound(readOf(provider, body))),
      { numRuns: 300 },
    );
  });
}
