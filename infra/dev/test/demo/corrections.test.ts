import { checkCallEvent } from '@calltally/contract';
import { test } from 'tap';
import { liveDemoCall } from '../../src/demo/calls.ts';
import { laterEventOf } from '../../src/demo/corrections.ts';

const EVERY_MS = 4_000;
const now = Date.parse('2026-03-28T15:30:00Z');

test('some live calls are corrected, move to another day or are taken back, by a valid event of the same call', async (t) => {
  const found = { shorter: 0, moved: 0, deleted: 0 };
  const calls = Array.from({ length: 900 }, (_, i) => liveDemoCall(now + i * EVERY_MS));
  for (const demo of calls) {
    const event = laterEventOf(demo);
    t.strictSame(event, laterEventOf(demo), 'always the same');
    if (event === undefined) continue;
    const { call, dropped } = checkCallEvent(event, demo.endedAtMs);
    const first = checkCallEvent(demo.event, demo.endedAtMs).call!;
    if (call === undefined || 'deleted' in first) throw new Error(`invalid: ${JSON.stringify(event)}`);
    t.match(call, { callId: first.callId, userId: first.userId, revision: 1 });
    t.equal(dropped, undefined);
    if ('deleted' in call) found.deleted++;
    else if (call.startedAt < first.startedAt) found.moved++;
    else found.shorter++;
  }
  for (const [kind, count] of Object.entries(found)) t.ok(count > 5, `${kind}: ${count}`);
  t.ok(Object.values(found).reduce((a, b) => a + b) < calls.length / 6, 'most calls stay as they are');
});
