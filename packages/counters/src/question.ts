import { PerPlan } from './per-plan.ts';
import type { Question } from './remembered-readings.ts';

const texts = {
  buckets: new PerPlan<string>(),
  segments: new PerPlan<string>(),
  cells: new PerPlan<string>(),
};

/** What a script is asked for: the same text for the same segments on the same UTC day, and for no others. */
export function questionOf(
  { id }: { id: string },
  userId: string,
  script: keyof typeof texts,
  day: number,
  segments: readonly object[],
): Question {
  const text = texts[script].of(segments, day, () => `${script} ${day} ${JSON.stringify(segments)}`);
  return { generation: id, userId, text };
}
