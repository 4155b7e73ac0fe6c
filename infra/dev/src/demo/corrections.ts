import type { CallEvent } from '@calltally/contract';
import type { DemoCall } from './calls.ts';
import { pick, seededRandom, type Weights } from './random.ts';

const DAY_MS = 86_400_000;
/** One live call in eight is corrected or taken back. */
const LATER: Weights<'nothing' | 'shorter' | 'day before' | 'deleted'> = [
  ['nothing', 35],
  ['shorter', 3],
  ['day before', 1],
  ['deleted', 1],
];

/** What the demo's platform says of a live call a moment later; undefined for most calls. The same on every call. */
export function laterEventOf({ event }: DemoCall): CallEvent | undefined {
  const { call_id, user_id, started_at, duration_seconds } = event;
  switch (pick(seededRandom(`later ${call_id}`), LATER)) {
    case 'nothing':
      return undefined;
    case 'shorter':
      return { ...event, revision: 1, duration_seconds: Math.floor(duration_seconds / 2) };
    case 'day before':
      return { ...event, revision: 1, started_at: new Date(Date.parse(started_at) - DAY_MS).toISOString() };
    case 'deleted':
      return { call_id, user_id, revision: 1, deleted: true };
  }
}
