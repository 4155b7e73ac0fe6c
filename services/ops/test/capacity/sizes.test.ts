import { keepsDetail } from '@calltally/counters';
import { type Call, dayOf, firstDayOfMonth, monthOf, startOfDay } from '@calltally/domain';
import { test } from 'tap';
import { inputsOf } from '../../src/capacity/inputs.ts';
import { redisBytesOfUser } from '../../src/capacity/redis-bytes.ts';
import { type CountedUsers, countedUsers } from '../counted-users.ts';

const DAY_MS = 86_400_000;
const MONTHS = 3;
const TOLERANCE = 0.15;
const AGENTS = [0, 1, 2].map((i) => `3f0e6f52-8c1d-4b7a-9e35-00000000000${i}`);
const LABELS = AGENTS.flatMap((agentId) =>
  ['inbound', 'outbound'].flatMap((direction) =>
    ['completed', 'failed', 'no_answer'].map((status) => ({ agentId, direction, status })),
  ),
);

test('Redis takes what the model says, give or take 15 %', async (t) => {
  for (const { users, callsPerDay } of [
    { users: 400, callsPerDay: 0.5 },
    { users: 60, callsPerDay: 10 },
  ]) {
    const world = await countedUsers(t);
    const thisMonth = monthOf(dayOf(Date.now()));
    // Scripts and connections take some memory once.
    await world.count(callsOf('another', 1, thisMonth));
    const before = await usedBytes(world);
    const months = Array.from({ length: MONTHS }, (_, i) => thisMonth - 1 - i);
    const userIds = Array.from({ length: users }, (_, i) => `user-${String(i).padStart(8, '0')}`);
    const calls = userIds.flatMap((userId) => callsOf(userId, callsPerDay, thisMonth));
    for (let at = 0; at < calls.length; at += 5_000) await world.count(calls.slice(at, at + 5_000));
    const measured = ((await usedBytes(world)) - before) / users;
    const inputs = inputsOf({ callsPerDay, idBytes: userIds[0]!.length });
    const detailed = months.filter((month) => keepsDetail(month, Date.now())).length;
    const predicted = redisBytesOfUser(inputs, { months: MONTHS, detailed });
    t.comment(
      `${callsPerDay} calls a day: ${Math.round(measured)} bytes, predicted ${Math.round(predicted)}`,
    );
    t.ok(
      Math.abs(predicted / measured - 1) <= TOLERANCE,
      `${predicted} bytes predicted, ${measured} measured`,
    );
  }
});

/** At any time of whole months. */
function callsOf(userId: string, callsPerDay: number, endMonth: number): Call[] {
  const from = startOfDay(firstDayOfMonth(endMonth - MONTHS));
  const until = startOfDay(firstDayOfMonth(endMonth));
  const count = Math.round(((until - from) / DAY_MS) * callsPerDay);
  return Array.from({ length: count }, (_, i) => ({
    callId: `${userId}-${i}`,
    userId,
    startedAt: from + Math.floor(Math.random() * (until - from)),
    durationMs: Math.floor(Math.random() * 600_000),
    ...LABELS[Math.floor(Math.random() * LABELS.length)],
  }));
}

async function usedBytes({ redis }: CountedUsers): Promise<number> {
  return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))![1]);
}
