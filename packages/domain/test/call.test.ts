import { type Call, DIRECTIONS, ID_PATTERN, STATUSES, sameCall } from '@calltally/domain';
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

test('an id has 1 to 128 of the agreed characters, the first one alphanumeric', async (t) => {
  for (const pattern of [new RegExp(ID_PATTERN), new RegExp(ID_PATTERN, 'u')]) {
    const accepted = ['a', '0', 'Z_.:@|-', 'a-', 'a'.repeat(128), '019a-77:x@host|2'];
    for (const id of accepted) t.ok(pattern.test(id), id);
    const refused = [
      '',
      '-a',
      '.a',
      '|a',
      'a'.repeat(129),
      'a b',
      'a/b',
      'ä',
      'a{b',
      'a}b',
      'a\n',
      'a,b',
      'a+b',
    ];
    for (const id of refused) t.notOk(pattern.test(id), JSON.stringify(id));
  }
});

test('directions and statuses are the agreed ones', async (t) => {
  t.same(DIRECTIONS, ['inbound', 'outbound', 'web']);
  t.same(STATUSES, ['completed', 'failed', 'busy', 'no_answer', 'canceled', 'voicemail']);
});
