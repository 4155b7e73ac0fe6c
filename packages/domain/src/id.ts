export const ID_MAX_CHARACTERS = 256;

/**
 * Regex source of an id (`call_id`, `user_id`, `agent_id`), with the flag `u`: 1 to 256 characters of any script. No control
 * character (C0, DEL, C1), no unpaired surrogate, which UTF-8 cannot encode, and no space at either end: White_Space or a
 * byte order mark, which come from table cells and files unnoticed. Anchored, because JSON Schema matches a pattern
 * anywhere in the text.
 */
export const ID_PATTERN = `^(?!\\s)[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{1,${ID_MAX_CHARACTERS}}(?<!\\s)$`;

/** Completes `… must be` in messages. */
export const ID_RULE = `a string of 1 to ${ID_MAX_CHARACTERS} characters, without control characters or unpaired surrogates and without a space at either end`;

const PATTERN = new RegExp(ID_PATTERN, 'u');
/** Matches most ids, without counting characters. */
const PLAIN = /^[!-~]+$/;

/** Whether a value can identify a call, a user or an agent. Ids are compared exactly, without normalisation. */
export function isId(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  return (value.length <= ID_MAX_CHARACTERS && PLAIN.test(value)) || PATTERN.test(value);
}

/**
 * Orders ids as the stores do, by their UTF-8 bytes. JavaScript's `<` compares UTF-16, in which U+FFFD comes after U+10000:
 * paging through a store's users with it would skip some.
 */
export function compareIds(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = rank(a.charCodeAt(i)) - rank(b.charCodeAt(i));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Surrogates (U+D800–U+DFFF) stand for characters after all others. */
function rank(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit > 0xdfff ? unit - 0x800 : unit + 0x2000;
}
