import { escapeUnsafe } from '@calltally/domain';

/** An object as one line of JSON that cannot touch a terminal. */
export function safeJson(value: object): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** A text for one line, of at most `maxCharacters` before escaping. */
export function shownText(text: string, maxCharacters: number): string {
  const shown = escapeUnsafe(text.slice(0, maxCharacters));
  return text.length > maxCharacters ? `${shown}…` : shown;
}
