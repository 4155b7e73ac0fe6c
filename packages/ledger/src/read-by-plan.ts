import { findGeneration, firstKeptDay } from '@calltally/counters';
import { type Availability, dayOf, type Edge } from '@calltally/domain';
import type { Cut, OffsetVector } from '@calltally/store';
import { asOfOf, type LiveCounters } from './counters-link.ts';
import type { AnswerMeta, AnswerParts } from './read-with-fallback.ts';

/** Plans that newly counted calls may spoil before rows are asked instead. */
const PLANS_MAX = 3;

export interface PlanOfRange {
  edges: Edge[];
  trustsLastStartedAt: boolean;
}

interface PlannedReading {
  available: Availability;
  appliedThrough: OffsetVector;
  isFilling?: true;
  hasCorrections: boolean;
}

export interface PlannedRead<P, C, E> {
  planFor(available: Availability): P;
  /** @returns undefined if the counters cannot answer */
  readCounters(plan: P): Promise<C | undefined>;
  /** Reads the edges from rows and corrections. */
  readEdges(plan: P, cut: Cut): Promise<E>;
}

/**
 * Makes a plan, reads its whole days from counters, then its edges from rows. The edges are cut at the offsets that the
 * counters are applied through, so that a call that arrives between the two reads is in neither.
 *
 * @returns undefined if the counters do not know the user, or if each plan was spoiled by new calls
 * @throws CountersError, StoreError, LedgerError LEDGER_OVERLOADED
 */
export async function readByPlan<P extends PlanOfRange, C extends PlannedReading, E>(
  { filler, fallbacks }: AnswerParts,
  live: LiveCounters,
  userId: string,
  nowMs: number,
  read: PlannedRead<P, C, E>,
): Promise<({ plan: P; counters: C; edges: E } & AnswerMeta) | undefined> {
  const retentionMonths = findGeneration(live.session, live.generations, userId)?.retentionMonths;
  if (retentionMonths === undefined) return undefined;
  // Assumed before anything is known of the user, so that most ranges need one round trip.
  let available: Availability = {
    fromDay: firstKeptDay(dayOf(nowMs), retentionMonths),
    lastStartedAt: nowMs,
  };
  for (let attempt = 1; attempt <= PLANS_MAX; attempt++) {
    const plan = read.planFor(available);
    const counters = await read.readCounters(plan);
    if (counters === undefined) return undefined;
    const found = counters.available;
    const isSpoiled = plan.trustsLastStartedAt && found.lastStartedAt > available.lastStartedAt;
    if (isSpoiled || found.fromDay > available.fromDay) {
      available = found;
      continue;
    }
    const { appliedThrough: rows, hasCorrections } = counters;
    const readEdges = () => read.readEdges(plan, { rows, corrections: hasCorrections ? rows : undefined });
    // They are queued, unless whoever opened them was killed.
    if (counters.isFilling) filler.add(userId);
    // Edges of a user who is being filled may span years, so they count among the answers from rows.
    const edges = await (counters.isFilling ? fallbacks.run(readEdges) : readEdges());
    const source = plan.edges.length === 0 ? 'counters' : 'counters+mongo';
    return { plan, counters, edges, source, asOfMs: asOfOf(live, userId) };
  }
  return undefined;
}
