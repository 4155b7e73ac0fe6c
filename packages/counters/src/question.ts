import { PerPlan } from './per-plan.ts';
import type { Question } from './remembered-readings.ts';

const texts = new PerPlan<string>();

/** What a script is asked for: the same text for the same segments on the same UTC day, and for no others. */
export function questionOf(
  { id }: { id: string },
  userId: string,
  script: string,
  day: number,
  segments: readonly object[],
): Question {
  const text = texts.of(segments, day, () => `${script} ${day} ${JSON.stringify(segments)}`);
  return { generation: id, userId, text };
}
