import { precise } from './numbers.ts';

/** As people say it, to the second or the minute: `42.35 s`, `3 min 12 s`, `1 h 5 min`. */
export function shortDuration(seconds: number): string {
  if (seconds < 60) return exactDuration(seconds);
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `192.345 s` */
export function exactDuration(seconds: number): string {
  return `${precise(seconds)} s`;
}

/** A boundary of the histogram, for an axis: `30s`, `2m`, `1h`. */
export function edge(seconds: number): string {
  if (seconds < 60) return `${seconds}s`;
  return seconds < 3600 ? `${seconds / 60}m` : `${seconds / 3600}h`;
}

/** A bar of the histogram: `under 10 s`, `2 to 5 min`, `1 h or more`. @param to undefined if it is open */
export function spanName(from: number, to: number | null): string {
  if (to === null) return `${unit(from)} or more`;
  if (from === 0) return `under ${unit(to)}`;
  const [start = '', startUnit] = unit(from).split(' ');
  return `${unit(to).endsWith(` ${startUnit}`) ? start : unit(from)} to ${unit(to)}`;
}

function unit(seconds: number): string {
  if (seconds < 60) return `${seconds} s`;
  return seconds < 3600 ? `${seconds / 60} min` : `${seconds / 3600} h`;
}
