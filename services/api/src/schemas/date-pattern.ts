/* What parseDateRange takes for a date, for those who make requests by the document; a test holds the two together. */

const YEAR = '(?:000[1-9]|00[1-9]\\d|0[1-9]\\d\\d|[1-9]\\d{3})';
const LEAP_YEAR = '(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)';
const MONTH_AND_DAY =
  '(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))';
const DATE = `(?:${YEAR}-${MONTH_AND_DAY}|${LEAP_YEAR}-02-29)`;
const MINUTE = '(?:[01]\\d|2[0-3]):[0-5]\\d';
const SECOND = ':[0-5]\\d(?:[.,]\\d{1,9})?';
const OFFSET = '(?:[Zz]|[+\\- ](?:[01]\\d|2[0-3])(?::?[0-5]\\d)?)';
/** Behind a space, a time without seconds and offset could be an offset. */
const TIME = `(?:[Tt]${MINUTE}(?:${SECOND})?${OFFSET}?| ${MINUTE}(?:${SECOND}${OFFSET}?|${OFFSET}))`;

/** An ISO 8601 date or date-time, as a JSON Schema has it. */
export const DATE_PATTERN = `^${DATE}${TIME}?$`;
