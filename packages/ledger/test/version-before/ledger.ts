import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { applyEvents, type CounterSession, firstKeptDay, type UserDaySums } from '@calltally/counters';
import { DAY_MS, dayOf, dayOfMonth, firstDayOfMonth, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { isCanonical, toRow } from '@calltally/store';
import type { Redis } from 'ioredis';
import { type CallBatch, type LedgerContext, userDaySumsOf } from '../../src/index.ts';
import { bound } from '../support.ts';

/*
 * The last version that did not open and fill users: its unchanged scripts, which are beside this file, and what it did
 * with them. It knows leases, but no claims and fills.
 */

/** By their present names. */
const SCRIPTS = new Map(
  Object.entries({
    lease: 'lease',
    replace: 'replace',
    apply: 'apply',
    buckets: 'read',
    snapshot: 'snapshot',
  }).map(([script, name]) => [script, readFileSync(new URL(`./${name}.lua`, import.meta.url), 'utf8')]),
);

/** A ledger whose session runs the scripts of the version before. */
export function ledgerBefore(ledger: LedgerContext, redis: Redis): LedgerContext {
  const evaluate = (script: string, keys: readonly string[], args: readonly (string | number)[]) => {
    const lua = SCRIPTS.get(script);
    if (lua === undefined) throw new Error(`the version before has no ${script}`);
    return redis.eval(lua, keys.length, ...keys, ...args);
  };
  const runForUsers: CounterSession['runForUsers'] = (script, commands) =>
    Promise.all(commands.map(({ keys, args }) => evaluate(script, keys, args)));
  const run: CounterSession['run'] = (_master, script, keys, args) => evaluate(script, keys, args);
  return { ...ledger, session: bound(ledger.session, { runForUsers, run }) };
}

export interface Lease {
  userId: string;
  text: string;
  nowMs: number;
}

/** @returns undefined if somebody else holds a lease, or the user is complete and was not asked for */
export async function leaseBefore(
  { generations }: LedgerContext,
  redis: Redis,
  userId: string,
  evenIfWarm: boolean,
): Promise<Lease | undefined> {
  const nowMs = Date.now();
  const { id, retentionMonths } = [...generations.values()][0]!;
  const text = `${nowMs}:${randomUUID()}`;
  const later = Number.MAX_SAFE_INTEGER;
  const expiry = expiryOf(monthOf(dayOf(nowMs)), retentionMonths);
  const reply = await redis.eval(
    SCRIPTS.get('lease')!,
    1,
    `ct:{${userId}}`,
    id,
    text,
    evenIfWarm ? '1' : '0',
    later,
    expiry,
  );
  return reply === 'leased' ? { userId, text, nowMs } : undefined;
}

/** Installs a recount, all at once. @param stored read after the lease and before the rows were added up */
export function replaceBefore(
  { generations }: LedgerContext,
  redis: Redis,
  { userId, text, nowMs }: Lease,
  { days, partitions, lastStartedAt }: UserDaySums,
  stored: ReadonlyMap<string, number>,
): Promise<unknown> {
  const { id, retentionMonths } = [...generations.values()][0]!;
  const today = dayOf(nowMs);
  const thisMonth = monthOf(today);
  const fromDay = firstKeptDay(today, retentionMonths);
  const user = `ct:{${userId}}`;
  const keys = [user];
  for (let month = thisMonth - retentionMonths - 1; month <= thisMonth + 1; month++) {
    keys.push(`${user}:m:${month}`);
  }
  const yearOf = (day: number) => isoWeekYear(weekOf(day));
  const oldest = yearOf(firstDayOfMonth(thisMonth - retentionMonths - 1));
  for (let year = oldest; year <= yearOf(today + 62); year++) keys.push(`${user}:w:${year}`);
  const buckets = new Map<string, Map<string, number>>();
  for (const [day, { calls, durationMs }] of days) {
    if (day < fromDay) continue;
    const month = `${user}:m:${monthOf(day)}`;
    const week = weekOf(day);
    for (const [key, unit] of [
      [month, dayOfMonth(day)],
      [month, ''],
      [`${user}:w:${isoWeekYear(week)}`, week],
    ] as const) {
      const fields = buckets.get(key) ?? new Map<string, number>();
      fields.set(`${unit}c`, (fields.get(`${unit}c`) ?? 0) + calls);
      fields.set(`${unit}d`, (fields.get(`${unit}d`) ?? 0) + durationMs);
      buckets.set(key, fields);
    }
  }
  const expiry = expiryOf(thisMonth + 12, retentionMonths);
  return redis.eval(
    SCRIPTS.get('replace')!,
    keys.length,
    ...keys,
    id,
    text,
    fromDay,
    lastStartedAt,
    expiry,
    stored.size,
    ...[...stored].flatMap(([partition, offset]) => [`a:${partition}`, offset]),
    partitions.size,
    ...[...partitions].flatMap((partition) => [`a:${partition}`, stored.get(partition)!]),
    ...[...buckets].flatMap(([key, fields]) => [
      keys.indexOf(key) + 1,
      expiry,
      fields.size,
      ...[...fields].flat(),
    ]),
  );
}

/** @returns what the last script replied; undefined without a lease */
export async function recountBefore(
  ledger: LedgerContext,
  redis: Redis,
  userId: string,
  evenIfWarm = true,
  pause: () => Promise<unknown> = async () => {},
): Promise<unknown> {
  const lease = await leaseBefore(ledger, redis, userId, evenIfWarm);
  if (lease === undefined) return undefined;
  await pause();
  const stored = await ledger.store.progress.storedThrough();
  await pause();
  const [sums] = userDaySumsOf([userId], await ledger.store.tallies.sumByDayAndPartition([userId], stored));
  await pause();
  return replaceBefore(ledger, redis, lease, sums!, stored);
}

/** Records a batch as the version before did. */
export async function recordBefore(ledger: LedgerContext, redis: Redis, batch: CallBatch): Promise<void> {
  const { topicEpoch, partition, events, through } = batch;
  const rows = events.map(({ offset, call }) => toRow(call, { stream: topicEpoch, partition, offset }));
  const outcomes = await ledger.store.calls.insert(rows);
  await ledger.store.progress.advanceStored(topicEpoch, partition, through);
  const { session, generations } = ledgerBefore(ledger, redis);
  const canonical = events.filter((_, i) => isCanonical(outcomes[i]!));
  for (const userId of new Set(canonical.map(({ call }) => call.userId))) {
    const own = canonical.filter(({ call }) => call.userId === userId);
    const counted = own.map(({ offset, call: { startedAt, durationMs } }) => ({
      offset,
      startedAt,
      durationMs,
    }));
    for (;;) {
      const [applied] = await applyEvents(session, generations, `${topicEpoch}:${partition}`, [
        { userId, events: counted },
      ]);
      if (applied !== 'unknown') break;
      await recountBefore(ledger, redis, userId, false);
    }
  }
}

function expiryOf(month: number, retentionMonths: number): number {
  return (firstDayOfMonth(month + retentionMonths + 2) * DAY_MS) / 1000;
}
