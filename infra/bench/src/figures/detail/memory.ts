import { dayOf, firstDayOfMonth, monthOf, startOfDay } from '@calltally/domain';
import { Redis } from 'ioredis';
import type { Bench } from '../../bench.ts';
import type { Line, Note } from '../../results.ts';
import { labelledCalls, MANY, USUAL, type Variety } from '../../world/labels.ts';
import { World } from '../../world/world.ts';

interface Kind {
  name: string;
  callsADay: number;
  variety: Variety;
  /** Bytes of a month with sums by half-hour, and by cell and day, and of an older one. */
  bounds?: { recent: number; old: number };
}

const KINDS: readonly Kind[] = [
  { name: '', callsADay: 10, variety: USUAL, bounds: { recent: 6 * 1_024, old: 1.5 * 1_024 } },
  { name: '-one-agent', callsADay: 10, variety: { ...USUAL, agents: 1 } },
  { name: '-100-calls', callsADay: 100, variety: USUAL },
  { name: '-996-cells', callsADay: 100, variety: MANY },
];

export const MEMORY_LINES: readonly Line[] = KINDS.flatMap(({ name, bounds }) => [
  { name: `detail-memory${name}`, unit: 'bytes', ...(bounds && { atMost: bounds.recent }) },
  { name: `detail-memory-old${name}`, unit: 'bytes', ...(bounds && { atMost: bounds.old }) },
]);

const MONTHS = 12;

/** Measured once, because it hardly varies. */
export async function measureMemory(bench: Bench, note: Note): Promise<void> {
  const world = await World.start(bench, 'detail_memory');
  const thisMonth = monthOf(dayOf(Date.now()));
  const from = startOfDay(firstDayOfMonth(thisMonth - MONTHS));
  const userIdOf = ({ name }: Kind) => `user-of-detail${name}`;
  for (const kind of KINDS)
    await world.insert(labelledCalls(userIdOf(kind), kind, { from, until: Date.now() }));
  await world.count(KINDS.map(userIdOf));
  const redis = new Redis(world.redis.address);
  for (const kind of KINDS) {
    const bytes = await bytesByKey(redis, userIdOf(kind));
    const sum = (...endings: string[]) =>
      [...bytes].reduce((total, [key, n]) => total + (endings.some((one) => key.endsWith(one)) ? n : 0), 0);
    const all = [...bytes.values()].reduce((total, n) => total + n, 0);
    const ofMonths = [...bytes].reduce((total, [key, n]) => total + (/:[mcdh]:\d+$/.test(key) ? n : 0), 0);
    // Weeks and the user's own hash.
    const others = (all - ofMonths) / MONTHS;
    const recent = {
      plain: sum(`:m:${thisMonth - 1}`),
      cells: sum(`:c:${thisMonth - 1}`),
      days: sum(`:d:${thisMonth - 1}`),
      halfHours: sum(`:h:${thisMonth - 1}`),
    };
    // Half a year ago.
    const old = { plain: sum(`:m:${thisMonth - 6}`), cells: sum(`:c:${thisMonth - 6}`) };
    note(`detail-memory${kind.name}`, {
      ours: recent.plain + recent.cells + recent.days + recent.halfHours + others,
      ...recent,
      others,
    });
    note(`detail-memory-old${kind.name}`, { ours: old.plain + old.cells + others, ...old, others });
  }
  redis.disconnect();
}

async function bytesByKey(redis: Redis, userId: string): Promise<Map<string, number>> {
  const bytes = new Map<string, number>();
  for (const key of await redis.keys(`*{${userId}}*`)) {
    bytes.set(key, Number(await redis.memory('USAGE', key, 'SAMPLES', 0)));
  }
  return bytes;
}
