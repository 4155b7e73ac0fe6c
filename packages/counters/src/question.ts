import type { Question } from './remembered-readings.ts';

/** Plans are kept for a day and asked of many users, and so are their texts. */
const texts = new WeakMap<readonly object[], { text: string; of: string }>();

/** What a script is asked for: the same text for the same segments on the same UTC day, and for no others. */
export function questionOf(
  { id }: { id: string },
  userId: string,
  script: string,
  day: number,
  segments: readonly object[],
): Question {
  return { generation: id, userId, text: textOf(`${script} ${day}`, segments) };
}

function textOf(of: string, segments: readonly object[]): string {
  const known = texts.get(segments);
  if (known?.of === of) return known.text;
  const text = `${of} ${JSON.stringify(segments)}`;
  texts.set(segments, { text, of });
  return text;
}
