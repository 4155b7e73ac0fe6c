import { readFile } from 'node:fs/promises';
import { CallEventSchema, decodeCallEvent, EVENT_SIZE_MAX_BYTES, REJECTION_CODES } from '@calltally/contract';
import { PRODUCER_ERROR_CODES } from '@calltally/contract/producer';
import { DIRECTIONS, isDeleted, readDirection, readStatus, STATUSES } from '@calltally/domain';
import { test } from 'tap';

const docs = await readFile(new URL('../../../docs/events.md', import.meta.url), 'utf8');

/** The first column of the rows of docs/events.md in which it matches. */
const rows = (pattern: RegExp) =>
  [...docs.matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name!).filter((name) => pattern.test(name));

test('exactly the existing codes are documented, in order', async (t) => {
  t.same(rows(/^(?!PRODUCER_)[A-Z]/), REJECTION_CODES);
  t.same(rows(/^PRODUCER_/), PRODUCER_ERROR_CODES);
});

test('exactly the fields of the schema are documented, in order', async (t) => {
  const fields = Object.keys(CallEventSchema.properties);
  t.same(rows(/^[a-z]/).slice(0, fields.length), fields);
  const lists = [DIRECTIONS, STATUSES].map((values) => values.map((value) => `\`${value}\``).join(', '));
  for (const list of lists) t.match(docs, `one of ${list}`);
  t.match(docs, EVENT_SIZE_MAX_BYTES.toLocaleString('en').replace(',', ' '));
});

test('every documented spelling is folded', async (t) => {
  const table = docs.slice(docs.indexOf('| kept as |')).split('\n\n')[0]!;
  const spellings = [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)];
  t.equal(spellings.length, 8);
  for (const [, kept, others] of spellings) {
    const read = (DIRECTIONS as readonly string[]).includes(kept!) ? readDirection : readStatus;
    for (const spelling of others!.split(', ')) t.equal(read(spelling), kept, spelling);
  }
});

test('every example is an event', async (t) => {
  const blocks = [...docs.matchAll(/```json\n(.*?)```/gs)].map(([, block]) => block!);
  const piped = [...docs.matchAll(/;(\{.*?\})'/g)].map(([, value]) => value!);
  t.equal(blocks.length, 5);
  t.equal(piped.length, 1);
  const calls = [...blocks, ...piped].map(
    (value) => decodeCallEvent(Buffer.from(value), Date.parse('2026-04-01T00:00:00Z')).call,
  );
  const durations = calls.map((call) => call && (isDeleted(call) ? 'deleted' : call.durationMs));
  t.same(durations, [84_250, 84_250, 90_000, 'deleted', 84_250, 84_250]);
});
