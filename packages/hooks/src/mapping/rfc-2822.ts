const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

const GRAMMAR =
  /^(?:[A-Za-z]{3}, ?)?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d{2}:\d{2})(?::(\d{2}))? (?:([+-]\d{2})(\d{2})|GMT|UTC|UT|Z)$/;

/** `Sun, 01 Mar 2026 09:30:00 +0000` as RFC 3339, not checked further; undefined for any other form. */
export function readRfc2822(text: string): string | undefined {
  const parts = GRAMMAR.exec(text);
  if (parts === null) return undefined;
  const [, day = '', name = '', year, minute, second = '00', offsetHour, offsetMinute] = parts;
  const month = MONTHS.indexOf(name.toLowerCase()) + 1;
  if (month === 0) return undefined;
  const offset = offsetHour === undefined ? 'Z' : `${offsetHour}:${offsetMinute}`;
  return `${year}-${String(month).padStart(2, '0')}-${day.padStart(2, '0')}T${minute}:${second}${offset}`;
}
