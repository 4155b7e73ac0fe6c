/* Numbers as they are shown: grouped, and never rounded more than the API does. */
const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
const hundredths = new Intl.NumberFormat('en', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });

/** `1,047` or `80.5` */
export const number = (value: number): string => grouped.format(value);
/** `3,796.70` */
export const decimals = (value: number): string => hundredths.format(value);
/** `1,500` or `15K`, for axes */
export const short = (value: number): string => (value < 10_000 ? grouped : compact).format(value);
/** `1 call`, `2 calls` */
export const calls = (count: number): string => `${number(count)} ${count === 1 ? 'call' : 'calls'}`;
/** `1 minute`, `80.5 minutes` */
export const minutes = (count: number): string => `${number(count)} ${count === 1 ? 'minute' : 'minutes'}`;
