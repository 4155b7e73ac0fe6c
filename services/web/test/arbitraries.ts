import { dayOf } from '@calltally/domain';
import fc from 'fast-check';
import type { Choice } from '../src/choice.ts';

const FIRST_DAY = dayOf(Date.UTC(2000, 0, 1));

/** An instant between 2001 and 2030, epoch ms. */
export const nowMs = fc.integer({ min: Date.UTC(2001, 0, 1), max: Date.UTC(2030, 0, 1) });

/** An instant, and a choice that can be made then. */
export const choiceAt = nowMs.chain((nowMs) =>
  fc.record({
    nowMs: fc.constant(nowMs),
    choice: fc.oneof(
      fc.constantFrom<Choice>({ kind: 'today' }, { kind: '7d' }, { kind: '30d' }, { kind: 'month' }),
      fc
        .tuple(
          fc.integer({ min: FIRST_DAY, max: dayOf(nowMs) }),
          fc.integer({ min: FIRST_DAY, max: dayOf(nowMs) }),
        )
        .map(([a, b]): Choice => ({ kind: 'custom', first: Math.min(a, b), last: Math.max(a, b) })),
    ),
  }),
);
