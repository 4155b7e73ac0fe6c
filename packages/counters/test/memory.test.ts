import { dayOf, firstDayOfMonth, monthOf } from '@calltally/domain';
import { test } from 'tap';
import { applyEvents, readBuckets } from '../src/index.ts';
import { DAY_MS, testCounters, warm } from './support.ts';

test('a user with many calls every day of a year costs less than 1 KiB a month, in hashes that stay listpacks', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const userId = 'user-0123456789abcdef';
  // 2026 has 53 ISO weeks.
  const from = Date.UTC(2025, 11, 29);
  const nowMs = Date.UTC(2027, 0, 2, 12);
  // So many partitions with such high offsets that `base` was too long for a listpack.
  await warm(counters, [userId], nowMs, new Map([0, 1, 2, 3, 4, 5].map((p) => [`0:${p}`, 1_234_567 + p])));
  let offset = 1e9;
  for (let day = from; day < nowMs; day += DAY_MS) {
    const events = Array.from({ length: 120 }, () => {
      offset += 1;
      return { offset, startedAt: day, durationMs: 300_000 + (offset % 1000) };
    });
    t.strictSame(await applyEvents(session, generations, '0:11', [{ userId, events }]), [120]);
  }
  await readBuckets(session, generations, userId, nowMs, []);

  let total = 0;
  for (const key of await admin.keys(`ct2:{${userId}}*`)) {
    // Sums by cell and by half-hour are below.
    if (/:[cdh]:/.test(key)) continue;
    t.equal(await admin.object('ENCODING', key), 'listpack', key);
    const bytes = Number(await admin.memory('USAGE', key));
    total += bytes;
    if (key.includes(':m:')) t.ok(bytes <= 1024, `${key}: ${bytes} bytes`);
  }
  t.equal(Number(await admin.hlen(`ct2:{${userId}}:w:2026`)), 106);
  t.equal(Number(await admin.hlen(`ct2:{${userId}}:m:683`)), 64);
  t.ok(total / 12 <= 1024, `${Math.round(total / 12)} bytes a month, with weeks and the user's own hash`);
});

test('10 calls a day of 18 cells cost less than 6 KiB a month while days are kept, and 1.5 KiB before', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin } = counters;
  const userId = 'user-0123456789abcdef';
  const nowMs = Date.now();
  await warm(counters, [userId], nowMs);
  const agents = [0, 1, 2].map((i) => `0b6f8c1e-2f9a-4b3c-8d7e-5a4b3c2d1e0${i}`);
  const lastMonth = monthOf(dayOf(nowMs)) - 1;
  const bytesOf = async (month: number) => {
    let offset = month * 10_000;
    for (let day = firstDayOfMonth(month); day < firstDayOfMonth(month + 1); day++) {
      const events = Array.from({ length: 10 }, () => {
        offset += 1;
        const dice = (offset * 2_654_435_761) % 4_294_967_296;
        const cell = {
          agentId: agents[dice % 3]!,
          direction: ['inbound', 'outbound'][(dice >> 4) & 1]!,
          status: ['completed', 'failed', 'no_answer'][(dice >>> 8) % 3]!,
        };
        return { offset, startedAt: day * DAY_MS + (dice % DAY_MS), durationMs: dice % 900_000, cell };
      });
      await applyEvents(session, generations, `0:${month}`, [{ userId, events }]);
    }
    let total = 0;
    for (const key of await admin.keys(`ct2:{${userId}}:[mcdh]:${month}`)) {
      t.equal(await admin.object('ENCODING', key), 'listpack', key);
      total += Number(await admin.memory('USAGE', key));
    }
    return total;
  };
  const within = await bytesOf(lastMonth);
  const before = await bytesOf(lastMonth - 6);
  t.equal(Number(await admin.hlen(`ct2:{${userId}}:c:${lastMonth}`)), 1 + 3 + 18 + 2, '18 cells');
  t.ok(Number(await admin.hlen(`ct2:{${userId}}:h:${lastMonth}`)) > 80, 'calls at all times of the day');
  t.ok(within <= 6 * 1024, `${within} bytes while days are kept`);
  t.ok(before <= 1.5 * 1024, `${before} bytes before`);
  t.comment(`${within} and ${before} bytes`);
});
