import type { Breakdown } from '@calltally/client';
import { type CellFilter, DIRECTIONS, type Dimension, FIELD_OF, STATUSES } from '@calltally/domain';
import { isChosen, valuesOf } from './filters.ts';
import { number, shareOf } from './numbers.ts';

export const TITLES: Readonly<Record<Dimension, string>> = {
  agent: 'Agent',
  direction: 'Direction',
  status: 'Status',
};

const KNOWN: readonly string[] = [...DIRECTIONS, ...STATUSES];

/** The calls of one value, as a bar and as a row of a table. */
export interface Group {
  /** '' for calls without one */
  value: string;
  name: string;
  calls: number;
  minutes: number;
  average: number;
  /** `34 %` of all calls of the breakdown */
  share: string;
  /** The bar's length, from 0 to 1: the longest is 1. */
  size: number;
  isChosen: boolean;
}

/** Values that are not told apart. */
export interface Others {
  /** `12 others`, `12 others (2 chosen)` */
  name: string;
  calls: number;
  minutes: number;
  average: number;
  share: string;
}

export interface Groups {
  groups: Group[];
  others: Others | undefined;
}

/** Groups of a breakdown by one dimension. Chosen values without calls are among them, so that they can be left again. */
export function groupsOf(data: Breakdown, dimension: Dimension, filter: CellFilter): Groups {
  const most = Math.max(1, ...data.groups.map(({ calls }) => calls));
  const total = data.groups.reduce((sum, { calls }) => sum + calls, data.rest?.calls ?? 0);
  const groups = data.groups.map((group): Group => {
    const value = group[FIELD_OF[dimension]] ?? '';
    return {
      value,
      name: nameOfValue(dimension, value),
      ...figuresOf(group, total),
      // A short bar is still seen.
      size: group.calls === 0 ? 0 : Math.max(0.01, group.calls / most),
      isChosen: isChosen(filter, dimension, value),
    };
  });
  const missing = valuesOf(filter, dimension).filter((value) =>
    groups.every((group) => group.value !== value),
  );
  const { rest } = data;
  if (rest === null) return { groups: [...groups, ...missing.map(withoutCalls)], others: undefined };
  const hidden = missing.length === 0 ? '' : ` (${number(missing.length)} chosen)`;
  const others = `${number(rest.groups)} ${rest.groups === 1 ? 'other' : 'others'}`;
  return { groups, others: { name: `${others}${hidden}`, ...figuresOf(rest, total) } };

  function withoutCalls(value: string): Group {
    const name = nameOfValue(dimension, value);
    return { value, name, calls: 0, minutes: 0, average: 0, share: '0 %', size: 0, isChosen: true };
  }
}

/** Whether calls have no value in a dimension at all. */
export function isUnlabelled({ groups, others }: Groups): boolean {
  return groups.length === 1 && groups[0]?.value === '' && !groups[0].isChosen && others === undefined;
}

/** `No answer` for a direction or status that is known. Any other value is a name that somebody gave. */
export function nameOfValue(dimension: Dimension, value: string): string {
  if (value === '') return `No ${dimension}`;
  if (dimension === 'agent' || !KNOWN.includes(value)) return value;
  const words = value.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Keeps the order of values, so that nothing moves under a finger. New order if the values are others. */
export function inOrder(groups: readonly Group[], order: readonly string[]): readonly Group[] {
  const placed = order.map((value) => groups.find((group) => group.value === value));
  const kept = placed.filter((group) => group !== undefined);
  return kept.length === order.length && kept.length === groups.length ? kept : groups;
}

interface Figures {
  calls: number;
  duration_minutes: number;
  avg_duration_minutes: number;
}

function figuresOf({ calls, duration_minutes, avg_duration_minutes }: Figures, total: number) {
  return { calls, minutes: duration_minutes, average: avg_duration_minutes, share: shareOf(calls, total) };
}
