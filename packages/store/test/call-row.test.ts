import { compareIds, isId } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';
import { callIdOf, contentOf, correctionId, rowId, sameContent, sameSource, toRow } from '../src/call-row.ts';
import { NOON, rowOf } from './support.ts';

test('a row has the fields of the call, its UTC day as an integer, and no absent fields', async (t) => {
  t.strictSame(
    toRow(
      { callId: 'c-1', userId: 'u-1', startedAt: NOON, durationMs: 1500, direction: 'web', status: 'busy' },
      { stream: 1, partition: 2, offset: 3 },
    ),
    {
      _id: 'u-1\u001fc-1',
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
    { startedAt: NOON + 1 },
    { durationMs: 60_001 },
    { agentId: 'b' },
    { direction: 'inbound' },
    { status: 'busy' },
  ] as const) {
    t.notOk(sameContent(row, rowOf({ ...call, ...other })), JSON.stringify(other));
  }
  t.notOk(sameContent(row, rowOf({ callId: 'c', agentId: 'a', direction: 'web' })));
  t.notOk(sameContent(row, undefined), 'a deleted call');
  t.ok(sameContent(undefined, undefined));
  const nobody = rowOf({ callId: 'c' });
  const before = contentOf({ ...nobody, agent_id: '' });
  t.ok(sameContent(before, contentOf(nobody)), 'an empty agent id, of an earlier version, is none');
});

test('a source is the same only in stream, partition and offset', async (t) => {
  const source = { stream: 1, partition: 2, offset: 3 };
  t.ok(sameSource(source, { ...source }));
  for (const other of [{ stream: 2 }, { partition: 3 }, { offset: 4 }]) {
    t.notOk(sameSource(source, { ...source, ...other }), JSON.stringify(other));
  }
});

test('a row says its revision unless that is 0, and of a deleted call nothing that counts', async (t) => {
  const source = { stream: 0, partition: 1, offset: 2 };
  const call = { callId: 'c', userId: 'u', startedAt: NOON, durationMs: 1 };
  t.notHas(toRow(call, source), { revision: 0 });
  t.equal(toRow({ ...call, revision: 7 }, source).revision, 7);
  const deleted = toRow({ callId: 'c', userId: 'u', revision: 3, deleted: true }, source);
  t.strictSame(deleted, { _id: 'u\u001fc', user_id: 'u', source, revision: 3 });
  t.equal(contentOf(deleted), undefined);
});

test('row ids tell calls apart, sort the rows of a user together, and give the call id back', async () => {
  const id = fc
    .oneof(fc.string({ unit: 'binary', maxLength: 4 }), fc.constantFrom('a', 'ab', '\ufffd', '💬'))
    .filter(isId);
  const call = fc.record({ userId: id, callId: id });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 20 }), (calls) => {
      const ids = calls.map(rowId);
      const pairs = new Set(calls.map(({ userId, callId }) => JSON.stringify([userId, callId])));
      if (new Set(ids).size !== pairs.size) return false;
      if (!calls.every((one, i) => callIdOf({ _id: ids[i]!, user_id: one.userId }) === one.callId))
        return false;
      const users = ids.toSorted(compareIds).map((rowIdOfCall) => rowIdOfCall.split('\u001f')[0]!);
      const runs = users.filter((user, i) => user !== users[i - 1]);
      return (
        runs.length === new Set(users).size &&
        runs.every((user, i) => i === 0 || compareIds(runs[i - 1]!, user) < 0)
      );
    }),
    { numRuns: 2_000 },
  );
});

test('no correction has the id of another call', async (t) => {
  const row = rowId({ userId: 'u', callId: 'c' });
  t.equal(correctionId(row, 12), 'u\u001fc\u001f12');
  t.not(correctionId(row, 1), correctionId(rowId({ userId: 'u', callId: 'c1' }), 1));
});
