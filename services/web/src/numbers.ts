/* Numbers as they are shown: grouped, and never rounded more than the API does. */
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const hundredths = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const thousandths = new Intl.NumberFormat('en', { maximumFractionDigits: 3 });
const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });

/** `1,047` or `80.5` */
export const number = (value: number): string => grouped.format(value);
/** `3,796.70` */
export const decimals = (value: number): string => hundredths.format(value);
/** `192.345` */
export const precise = (value: number): string => thousandths.format(value);
/** `1,500` or `15K`, for axes */
export const short = (value: number): string => (value < 10_000 ? grouped : compact).format(value);
/** `1 call`, `2 calls` */
export const calls = (count: number): string => `${number(count)} ${count === 1 ? 'call' : 'calls'}`;
/** `1 minute`, `80.5 minutes` */
export const minutes = (count: number): string => `${number(count)} ${count === 1 ? 'minute' : 'minutes'}`;

/** `3 min 48 s`, to the nearest second. */
export function minutesAndSeconds(minutes: number): string {
  const seconds = Math.round(minutes * 60);
  return `${number(Math.floor(seconds / 60))} min ${seconds % 60} s`;
}

/** `34 %`, `3.4 %`; undefined if it rounds to zero. @param size in percent, not negative */
export function percent(size: number): string | undefined {
  const text = (size < 10 ? tenths : whole).format(size);
  return text === '0' ? undefined : `${text} %`;
}

/** `34 %`, `3.4 %`, `99.7 %`, `< 0.1 %`: nothing and everything are told from almost. */
export function shareOf(part: number, all: number): string {
  if (part === 0) return '0 %';
  if (part === all) return '100 %';
  const size = (100 * part) / all;
  if (size < 0.05) return '< 0.1 %';
  if (size >= 99.95) return '> 99.9 %';
  return `${(size < 10 || size > 99 ? tenths : whole).format(size)} %`;
}
