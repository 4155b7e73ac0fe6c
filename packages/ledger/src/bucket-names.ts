import {
  type Cell,
  dayOf,
  firstDayOfMonth,
  firstDayOfWeek,
  formatDay,
  isoWeekYear,
  weekOf,
} from '@calltally/domain';

/** `2026-W09` */
export function weekName(week: number): string {
  const year = isoWeekYear(week);
  const first = weekOf(dayOf(Date.UTC(year, 0, 4)));
  return `${year}-W${String(week - first + 1).padStart(2, '0')}`;
}

/** `2026-03` */
export function monthName(month: number): string {
  return formatDay(firstDayOfMonth(month)).slice(0, 7);
}

/** `cell agent_id="ada", direction=null, status="failed"` */
export function cellName({ agentId = null, direction = null, status = null }: Nullable<Cell>): string {
  const labels = Object.entries({ agent_id: agentId, direction, status });
  return `cell ${labels.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(', ')}`;
}

type Nullable<T> = { [K in keyof T]: T[K] | null };

/** A bucket's name for people, and its first UTC day. */
export interface NamedBucket {
  name: string;
  firstDay: number;
}

/** @param key as in a snapshot: `m:<month>`, `m:<month>:<day of month>` or `w:<ISO year>:<week>` */
export function bucketOfSnapshot(key: string): NamedBucket {
  const [kind, first, second] = key.split(':');
  if (kind === 'w') {
    const week = Number(second);
    return { name: `week ${weekName(week)}`, firstDay: firstDayOfWeek(week) };
  }
  const month = Number(first);
  if (second === undefined) return { name: `month ${monthName(month)}`, firstDay: firstDayOfMonth(month) };
  const day = firstDayOfMonth(month) + Number(second) - 1;
  return { name: `day ${formatDay(day)}`, firstDay: day };
}
