import type { Inputs } from './inputs.ts';
import { keptMonths, redisBytesOfUser } from './redis-bytes.ts';

export const PARTS = ['partition', 'ingest', 'master', 'shard', 'broker', 'api', 'intake'] as const;
export type Part = (typeof PARTS)[number];

export const DAY_SECONDS = 86_400;

/** What comes, and what is kept, however it is divided. */
export interface Load {
  /** Users whose counters are there. */
  users: number;
  /** Share of all events that are of the largest user. */
  largestShare: number;
  eventsPerSecond: number;
  peakEventsPerSecond: number;
  peakRequestsPerSecond: number;
  rows: number;
  redisBytesOfUser: number;
}

/** Of a platform in its busiest second, and after its years. */
export function loadOf(inputs: Inputs): Load {
  const { users } = inputs;
  const eventsPerSecond = (users * inputs.callsPerDay) / DAY_SECONDS;
  return {
    users,
    largestShare: largestShareOf(inputs),
    eventsPerSecond,
    peakEventsPerSecond: eventsPerSecond * inputs.peakFactor,
    peakRequestsPerSecond: ((users * inputs.dashboardsPerDay) / DAY_SECONDS) * inputs.peakFactor,
    rows: eventsPerSecond * DAY_SECONDS * 365.25 * inputs.years,
    redisBytesOfUser: redisBytesOfUser(inputs, keptMonths(inputs)),
  };
}

/** The largest of so many users has no less than the others. */
export function largestShareOf({ users, largestShare }: Pick<Inputs, 'users' | 'largestShare'>): number {
  return Math.max(largestShare, 1 / users);
}
