import { dayOf, firstDayOfMonth, isoWeekYear, monthOf, startOfDay, weekOf } from '@calltally/domain';

/*
 * The only place that builds keys and names of fields (docs/design.md, "Counters in Redis").
 * All keys of a user share a hash tag, so that one script may use them on a cluster.
 */

/** What matches the keys of the version before, and perhaps keys of somebody else. */
export const OLD_KEYS = 'ct:*';

export function isOldKey(key: string): boolean {
  return /^ct:(ledger:|filling:|fill-slot:)?\{/.test(key);
}

/**
 * A user id as a hash tag. A tag ends with the first `}`, so an id with braces could spread over several slots.
 * Percent signs are encoded for the sake of braces, so two ids never share a key. Ids without either stay as they are.
 */
function tagOf(userId: string): string {
  return userId.replace(/[%}]/g, encodeURIComponent);
}

let lastUser = '';
let lastKey = 'ct2:{}';

/** Kept for one user, since a command names many keys of one. */
export function userKey(userId: string): string {
  if (userId !== lastUser) {
    lastKey = `ct2:{${tagOf(userId)}}`;
    lastUser = userId;
  }
  return lastKey;
}

/** Whose key it is; undefined if it is of no user. */
export function userIdOf(key: string): string | undefined {
  if (!key.startsWith('ct2:{')) return undefined;
  return key.slice(5, key.indexOf('}')).replace(/%25|%7D/g, decodeURIComponent);
}

/** Days of one month and the month's own sum: at most 64 fields, so it stays a listpack. */
export function monthKey(userId: string, month: number): string {
  return `${userKey(userId)}:m:${month}`;
}

/** Weeks of one ISO year: at most 106 fields, so it stays a listpack. */
export function weekKey(userId: string, isoYear: number): string {
  return `${userKey(userId)}:w:${isoYear}`;
}

/** A month's cells: their names, and their sums of the month (lua/cells.lua). */
export function cellsKey(userId: string, month: number): string {
  return `${userKey(userId)}:c:${month}`;
}

/** Sums of a month's cells by day. They are kept for fewer months than the others. */
export function cellDaysKey(userId: string, month: number): string {
  return `${userKey(userId)}:d:${month}`;
}

/** Sums of a month by half-hour: at most 124 fields, so it stays a listpack of most users. Kept as `cellDaysKey`. */
export function halfHoursKey(userId: string, month: number): string {
  return `${userKey(userId)}:h:${month}`;
}

/** Generation and checkpoints of one master. The tag is chosen so that the key lies on it. */
export function generationKey(tag: number): string {
  return `ct2:ledger:{${tag}}`;
}

/** Users of one master that wait to be filled. */
export function fillQueueKey(tag: number): string {
  return `ct2:filling:{${tag}}`;
}

export function fillSlotKey(tag: number, slot: number): string {
  return `ct2:fill-slot:{${tag}}:${slot}`;
}

/** A key that readers change to see whether they are told of it. */
export function trackingKey(tag: number): string {
  return `ct2:tracking:{${tag}}`;
}

export function appliedField(partition: string): string {
  return `a:${partition}`;
}

/** `base` of a user who is being filled. */
const BASE_FIELD = 'b';

/** There if a correction is counted: then rows alone do not add up to the counters. */
const CORRECTED_FIELD = 'k';

/** One text, so that 500 partitions fit: each `<partition id>=<offset>` behind a space (lua/apply.lua). */
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
 * How far a user is applied, by partition id, from fields of the user's hash. A partition's own field counts, else the
 * offset in `base`.
 */
export function appliedThroughOf(fields: Iterable<readonly [string, string]>): Map<string, number> {
  const applied = new Map<string, number>();
  let base: Map<string, number> | undefined;
  for (const [field, value] of fields) {
    if (field === BASE_FIELD) base = unpackBase(value);
    else if (field.startsWith('a:')) applied.set(field.slice(2), Number(value));
  }
  return base === undefined ? applied : new Map([...base, ...applied]);
}

/** What a reading counts. */
export interface Counted {
  /** By partition id, the offset through which these numbers count. */
  appliedThrough: Map<string, number>;
  /** Older calls of the user are not filled in yet. */
  isFilling?: true;
  /** Corrections may be counted here, so rows alone do not say the same. */
  hasCorrections: boolean;
}

/** @param flat the fields and values with which lua/buckets.lua and lua/segments.lua end */
export function countedOf(flat: readonly string[]): Counted {
  const isFilling = flat.includes(BASE_FIELD);
  return {
    appliedThrough: appliedThroughOf(pairsOf(flat)),
    ...(isFilling && { isFilling: true }),
    hasCorrections: isFilling || flat.includes(CORRECTED_FIELD),
  };
}

/** Fields and values of a flat reply. */
export function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i]!, flat[i + 1]!]);
  return pairs;
}

export const WINDOW_SUMS_FIELD = 'r';

/** The field of as-of begins with `asof:` instead (lua/checkpoint.lua). */
export function checkpointField(partition: string): string {
  return `mark:${partition}`;
}

/** In the hash of a generation: of the users erased by this version of the list, the master has nothing any more. */
export const ERASED_FIELD = 'erased';

/** Writers keep buckets one month longer than readers ask for them, so that their clocks need not agree. */
const SPARE_MONTHS = 2;

/** First UTC day whose buckets readers may use. */
export function firstKeptDay(todayDay: number, retentionMonths: number): number {
  return firstDayOfMonth(monthOf(todayDay) - retentionMonths);
}

/** Days that have sums by half-hour, and by cell not only of their months: today and those before it. */
const DETAIL_DAYS = 62;
/** Writers keep detail so much longer than readers ask for it, so that their clocks need not agree. */
const SPARE_DAYS = 31;

/** First UTC day whose sums by half-hour, and by day and cell, readers may use; the first of a month. */
export function firstDayWithDetail(todayDay: number): number {
  return firstDayOfMonth(monthOf(todayDay - DETAIL_DAYS + 1));
}

/** When a month's buckets expire, epoch seconds. */
export function monthExpirySeconds(month: number, retentionMonths: number): number {
  return startOfDay(firstDayOfMonth(month + retentionMonths + SPARE_MONTHS)) / 1000;
}

/** When a month's sums by half-hour, and by day and cell, expire, epoch seconds: a month after the last reader has asked. */
export function detailExpirySeconds(month: number): number {
  return startOfDay(firstDayOfMonth(month + 1) + DETAIL_DAYS + SPARE_DAYS) / 1000;
}

/** Whether a month's sums by half-hour, and by day and cell, are still written. Once they are not, they never are again. */
export function keepsDetail(month: number, nowMs: number): boolean {
  return firstDayOfMonth(month) >= firstDayOfWrittenDetail(nowMs);
}

/** First UTC day whose sums by half-hour, and by day and cell, are still written: that of the first month not expired. */
export function firstDayOfWrittenDetail(nowMs: number): number {
  return firstDayOfMonth(monthOf(dayOf(nowMs) - DETAIL_DAYS - SPARE_DAYS));
}

/** When an ISO year's weeks expire, epoch seconds: with the last month that one of them reaches into. */
export function weekExpirySeconds(isoYear: number, retentionMonths: number): number {
  const januaryAfter = (isoYear + 1 - 1970) * 12;
  return monthExpirySeconds(januaryAfter, retentionMonths);
}

/** Every bucket key that a user may have. */
export function allBucketKeys(userId: string, todayDay: number, retentionMonths: number): string[] {
  const newest = monthOf(todayDay) + 1;
  const oldest = newest - retentionMonths - SPARE_MONTHS;
  const keys: string[] = [];
  for (let month = oldest; month <= newest; month++) {
    keys.push(monthKey(userId, month), cellsKey(userId, month));
    if (keepsDetail(month, startOfDay(todayDay))) {
      keys.push(cellDaysKey(userId, month), halfHoursKey(userId, month));
    }
  }
  const newestYear = isoWeekYear(weekOf(firstDayOfMonth(newest + 1) - 1));
  for (let year = isoWeekYear(weekOf(firstDayOfMonth(oldest))); year <= newestYear; year++) {
    keys.push(weekKey(userId, year));
  }
  return keys;
}
