export const DIRECTIONS = ['inbound', 'outbound', 'web'] as const;
export const STATUSES = ['completed', 'failed', 'busy', 'no_answer', 'canceled', 'voicemail'] as const;

/** Of a `direction` or `status`. */
export const LABEL_MAX_CHARACTERS = 64;

/**
 * Regex source of a `direction` or `status`, with the flag `u`: at most 64 characters, no control character, no
 * unpaired surrogate. The values are up to the platform.
 */
export const LABEL_PATTERN = `^[^\\u0000-\\u001f\\u007f-\\u009f\\ud800-\\udfff]{0,${LABEL_MAX_CHARACTERS}}$`;

const PATTERN = new RegExp(LABEL_PATTERN, 'u');

/**
 * A direction as it is kept: a known value in our spelling, any other unchanged.
 * @returns undefined if it is not a label
 */
export const readDirection = reader(DIRECTIONS, {
  incoming: 'inbound',
  inboundphonecall: 'inbound',
  outgoing: 'outbound',
  outboundapi: 'outbound',
  outbounddial: 'outbound',
  outboundphonecall: 'outbound',
  webcall: 'web',
});

/** As `readDirection`, for a status. */
export const readStatus = reader(STATUSES, {
  cancelled: 'canceled',
  complete: 'completed',
  fail: 'failed',
});

/** @param spellings other words for known values, folded */
function reader(known: readonly string[], spellings: Readonly<Record<string, string>>) {
  const usual = new Map(known.map((value) => [value, value]));
  const folded = new Map([
    ...known.map((value) => [fold(value), value] as const),
    ...Object.entries(spellings),
  ]);
  return (value: unknown): string | undefined => {
    if (typeof value !== 'string') return undefined;
    // Most values have our spelling.
    const same = usual.get(value);
    if (same !== undefined) return same;
    return PATTERN.test(value) ? (folded.get(fold(value)) ?? value) : undefined;
  };
}

function fold(value: string): string {
  return value.toLowerCase().replace(/[-_\s]+/g, '');
}
