import { firstKeptDay } from '@calltally/counters';
import { type Availability, dayOf } from '@calltally/domain';
import type { LiveCounters } from './counters-link.ts';

/** Plans that a newly counted call may spoil before rows are asked instead. */
const PLANS = 3;

/**
 * Plans a reading and reads what it wants of the counters; plans again where their reply says that the plan was made on
 * wrong assumptions. What else the plan wants is to be read from rows at the cut of the reply, its `applied`, so that
 * what arrives between the two reads is in neither.
 *
 * @returns undefined when the counters do not know the user, or calls kept coming that spoiled the plan
 * @throws CountersError
 */
export async function readPlanned<
  P extends { trustsLastStartedAt: boolean },
  C extends { available: Availability },
>(
  live: LiveCounters,
  userId: string,
  nowMs: number,
  planFor: (available: Availability) => P,
  read: (plan: P) => Promise<C | undefined>,
): Promise<{ plan: P; counters: C } | undefined> {
  const retentionMonths = live.generations.get(live.session.master(userId))?.retentionMonths;
  if (retentionMonths === undefined) return undefined;
  // Planned before anything is known of the user, so that most ranges take one round trip.
  let available: Availability = {
    fromDay: firstKeptDay(dayOf(nowMs), retentionMonths),
    lastStartedAt: nowMs,
  };
  for (let attempt = 1; attempt <= PLANS; attempt++) {
    const plan = planFor(available);
    const counters = await read(plan);
    if (counters === undefined) return undefined;
    const found = counters.available;
    const spoiled = plan.trustsLastStartedAt && found.lastStartedAt > available.lastStartedAt;
    if (!spoiled && found.fromDay <= available.fromDay) return { plan, counters };
    available = found;
  }
  return undefined;
}
