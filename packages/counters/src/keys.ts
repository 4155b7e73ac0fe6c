import { firstDayOfMonth, isoWeekYear, monthOf, startOfDay, weekOf } from '@calltally/domain';

/*
 * The only place that builds a key or the name of a field (docs/design.md, "Counters in Redis").
 * All keys of a user share a hash tag, so that one script may touch them on a cluster.
 */

/**
 * An id of any script as what stands between the braces of a hash tag, which ends with the first `}`: an id that began
 * with one would have an empty tag, and its keys would lie in several slots. Percent signs are encoded for the sake of
 * braces, so two ids never share a key; ids without either are written as they are.
 */
function tagOf(userId: string): string {
  return userId.replace(/[%}]/g, encodeURIComponent);
}

export function userKey(userId: string): string {
  return `ct:{${tagOf(userId)}}`;
}

/** Days of one month and the month's own sum: 64 fields, which stays a listpack. */
export function monthKey(userId: string, month: number): string {
  return `${userKey(userId)}:m:${month}`;
}

/** Weeks of one ISO year: 106 fields, which stays a listpack. */
export function weekKey(userId: string, isoYear: number): string {
  return `${userKey(userId)}:w:${isoYear}`;
}

/** Generation and checkpoints of one master; the tag is chosen so that the key lies on it. */
export function generationKey(tag: number): string {
  return `ct:ledger:{${tag}}`;
}

/** Users of one master that wait to be filled. */
export function fillQueueKey(tag: number): string {
  return `ct:filling:{${tag}}`;
}

/** A slot: one of the sums that all processes together may ask of Mongo at once. */
export function fillSlotKey(tag: number, slot: number): string {
  return `ct:fill-slot:{${tag}}:${slot}`;
}

export function appliedField(partition: string): string {
  return `a:${partition}`;
}

/** Of a user who is being filled: through where each partition was stored when the user was opened. */
export const BASE_FIELD = 'b';

/** One text, since 500 partitions must fit; each `stream:partition=offset` behind a space (lua/apply.lua). */
export function packBase(base: ReadonlyMap<string, number>): string {
  return [...base].map(([partition, offset]) => ` ${partition}=${offset}`).join('');
}

export function unpackBase(text: string): Map<string, number> {
  const base = new Map<string, number>();
  for (const one of text.split(' ').slice(1)) {
    const at = one.indexOf('=');
    base.set(one.slice(0, at), Number(one.slice(at + 1)));
  }
  return base;
}

/**
 * For each `stream:partition` the offset counted through, from applied fields and their values as a script tells them:
 * its own field where there is one, else that in `base`.
 */
export function appliedOf(flat: readonly string[]): Map<string, number> {
  const applied = new Map<string, number>();
  let base: Map<string, number> | undefined;
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] === BASE_FIELD) base = unpackBase(flat[i + 1]!);
    else applied.set(flat[i]!.slice(2), Number(flat[i + 1]));
  }
  return base === undefined ? applied : new Map([...base, ...applied]);
}

/** Sums kept ready, as one text (`readyOf` in ready.ts). */
export const READY_FIELD = 'r';

export function checkpointField(partition: string): string {
  return `mark:${partition}`;
}

export function asOfField(partition: string): string {
  return `asof:${partition}`;
}

/** Writers keep buckets one month longer than readers ask for them, so that their clocks need not agree. */
const SPARE_MONTHS = 2;

/** First UTC day whose buckets readers may use. */
export function firstKeptDay(todayDay: number, retentionMonths: number): number {
  return firstDayOfMonth(monthOf(todayDay) - retentionMonths);
}

/** When a month's buckets are let go, epoch seconds. */
export function monthExpirySeconds(month: number, retentionMonths: number): number {
  return startOfDay(firstDayOfMonth(month + retentionMonths + SPARE_MONTHS)) / 1000;
}

/** When an ISO year's weeks are let go, epoch seconds: with the last month that a week of it reaches into. */
export function weekExpirySeconds(isoYear: number, retentionMonths: number): number {
  const januaryAfter = (isoYear + 1 - 1970) * 12;
  return monthExpirySeconds(januaryAfter, retentionMonths);
}

/** Every bucket key that a user may have: what goes when the user is opened. */
export function allBucketKeys(userId: string, todayDay: number, retentionMonths: number): string[] {
  const newest = monthOf(todayDay) + 1;
  const oldest = newest - retentionMonths - SPARE_MONTHS;
  const keys: string[] = [];
  for (let month = oldest; month <= newest; month++) keys.push(monthKey(userId, month));
  const newestYear = isoWeekYear(weekOf(firstDayOfMonth(newest + 1) - 1));
  for (let year = isoWeekYear(weekOf(firstDayOfMonth(oldest))); year <= newestYear; year++) {
    keys.push(weekKey(userId, year));
  }
  return keys;
}
