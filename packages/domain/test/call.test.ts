import { type Call, sameCall } from '@calltally/domain';
import { test } from 'tap';

const call: Call = {
  callId: 'c1',
  userId: 'u1',
  startedAt: 1,
  durationMs: 2,
  agentId: 'a1',
  direction: 'web',
};

test('calls that differ in any field are not the same', async (t) => {
  t.ok(sameCall(call, { ...call }));
  const others: Partial<Call>[] = [
    { callId: 'c2' },
    { userId: 'u2' },
    { startedAt: 2 },
    { durationMs: 3 },
    { agentId: 'a2' },
    { direction: 'inbound' },
    { status: 'failed' },
  ];
  for (const other of others) {
    t.notOk(sameCall(call, { ...call, ...other }), JSON.stringify(other));
    t.notOk(sameCall({ ...call, ...other }, call), JSON.stringify(other));
  }
});
