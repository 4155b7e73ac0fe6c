import { DateRangeError, parseDateRange } from '@calltally/domain';
import { CommandError } from './failure.ts';

const DAY_MS = 86_400_000;
const DAYS = /^([1-9]\d{0,3})d$/;
/** Times have years of four digits. */
const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
const DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * When a key expires: `90d` (days from now), a date (valid until its end, in UTC) or a date-time.
 * @throws CommandError EXPIRES_INVALID, or EXPIRES_PAST for a time that is not in the future
 */
export function parseExpiry(text: string, nowMs: number): Date {
  const days = DAYS.exec(text)?.[1];
  const expiresMs = days === undefined ? endOf(text) : nowMs + Number(days) * DAY_MS;
  if (expiresMs > nowMs) return new Date(expiresMs);
  throw new CommandError('EXPIRES_PAST', `--expires ${JSON.stringify(text)} is not in the future`);
}

function endOf(text: string): number {
  try {
    const { from } = parseDateRange({ start_date: text, end_date: '9999-12-31' }, 0);
    return DATE.test(text) ? Math.min(from + DAY_MS, LAST_INSTANT) : from;
  } catch (error) {
    if (!(error instanceof DateRangeError)) throw error;
    throw new CommandError(
      'EXPIRES_INVALID',
      `--expires ${JSON.stringify(text.slice(0, 40))} is neither days (90d), a date (2027-03-01) nor a date-time (2027-03-01T00:00:00Z)`,
    );
  }
}
