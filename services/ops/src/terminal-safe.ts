import { escapeUnsafe } from '@calltally/domain';

/** An object as one line of JSON, with everything escaped that could control a terminal. */
export function safeJson(value: object): string {
  return escapeUnsafe(JSON.stringify(value));
}

/** A text in one line, escaped, and cut at `maxCharacters` before that. */
export function shownText(text: string, maxCharacters: number): string {
  const shown = escapeUnsafe(text.slice(0, maxCharacters));
  return text.length > maxCharacters ? `${shown}…` : shown;
}
