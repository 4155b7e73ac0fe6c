import { test } from 'tap';
import { sameContent, sameSource, toRow } from '../src/call-row.ts';
import { NOON, rowOf } from './support.ts';

test('a row has the fields of the call, its UTC day as an integer, and no absent fields', async (t) => {
  t.strictSame(
    toRow(
      { callId: 'c-1', userId: 'u-1', startedAt: NOON, durationMs: 1500, direction: 'web', status: 'busy' },
      { stream: 1, partition: 2, offset: 3 },
    ),
    {
      _id: 'c-1',
      user_id: 'u-1',
      started_at: new Date(NOON),
      day: Date.UTC(2026, 2, 28) / 86_400_000,
      duration_ms: 1500,
      source: { stream: 1, partition: 2, offset: 3 },
      direction: 'web',
      status: 'busy',
    },
  );
  t.equal(
    rowOf({ callId: 'c', startedAt: Date.UTC(2026, 0, 1) - 1 }).day,
    Date.UTC(2025, 11, 31) / 86_400_000,
  );
});

test('two rows have the same content if all fields of the call are equal, whatever their sources', async (t) => {
  const call = { callId: 'c', agentId: 'a', direction: 'web', status: 'failed' } as const;
  const row = rowOf(call);
  t.ok(sameContent(row, rowOf(call, { partition: 7, offset: 9 })));
  for (const other of [
    { userId: 'u-2' },
    { startedAt: NOON + 1 },
    { durationMs: 60_001 },
    { agentId: 'b' },
    { direction: 'inbound' },
    { status: 'busy' },
  ] as const) {
    t.notOk(sameContent(row, rowOf({ ...call, ...other })), JSON.stringify(other));
  }
  t.notOk(sameContent(row, rowOf({ callId: 'c', agentId: 'a', direction: 'web' })));
  const nobody = rowOf({ callId: 'c' });
  t.ok(sameContent({ ...nobody, agent_id: '' }, nobody), 'an empty agent id, of an earlier version, is none');
});

test('a source is the same only in stream, partition and offset', async (t) => {
  const source = { stream: 1, partition: 2, offset: 3 };
  t.ok(sameSource(source, { ...source }));
  for (const other of [{ stream: 2 }, { partition: 3 }, { offset: 4 }]) {
    t.notOk(sameSource(source, { ...source, ...other }), JSON.stringify(other));
  }
});
