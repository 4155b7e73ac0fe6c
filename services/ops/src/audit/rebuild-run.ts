import {
  auditUsers,
  type FillOptions,
  fillUntilComplete,
  type LedgerContext,
  type PieceReader,
  pieceReaderOf,
  reopen,
} from '@calltally/ledger';
import type { RebuildState, UserCalls } from '@calltally/store';
import { generationIds } from '../ledger-connection.ts';
import { groupsOf } from './groups-of.ts';
import { inOrder } from './in-order.ts';
import { retryOnTimeout } from './retry-on-timeout.ts';
import { type GroupRows, RowsDone } from './rows-done.ts';

export interface RebuildRequest {
  /** Undefined for all users with calls. */
  userId: string | undefined;
  /** Groups of users that are worked on at the same time. */
  concurrency: number;
  /** Starts again from the first user, whatever an earlier rebuild has done. */
  restart: boolean;
  /** `FILL_SLOTS`. */
  slots: number;
  /** How the rows of a group are cut into pieces. */
  piecesOf?: (ledger: LedgerContext) => PieceReader;
}

export interface RebuildHooks {
  /** @param from what an earlier rebuild of the same generation has done, or zeros */
  onStart(from: RebuildState, rows: RowsDone, estimatedCalls: number): void;
  /** Called whenever rows were added up. */
  onProgress(state: RebuildState, rows: RowsDone): void;
}

export interface Rebuilt extends RebuildState {
  resumed: boolean;
  /** False if it was stopped before the end. */
  complete: boolean;
}

const SAVE_EVERY_MS = 1_000;
const NOTHING = { through: '', users: 0, calls: 0, ahead: 0, drifted: 0, cold: 0, filling: 0, seconds: 0 };

/**
 * Makes all counters equal to the rows, while events are counted and dashboards answered. Users whose counters are
 * right are left alone, users whose counters differ are opened again, and all who are not complete are filled. Answers
 * are right at every moment: what is not filled yet is read from Mongo.
 *
 * Progress is kept in Mongo, and the fill progress of each user in Redis. After a kill the next rebuild resumes there,
 * even in the middle of a user.
 *
 * @throws CountersError, StoreError; the next rebuild resumes from about here
 */
export async function rebuild(
  ledger: LedgerContext,
  request: RebuildRequest,
  hooks: RebuildHooks,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const { users, rebuilds } = ledger.store;
  const { userId, concurrency, restart, slots, piecesOf = pieceReaderOf } = request;
  const generation = generationIds(ledger.generations);
  const isAll = userId === undefined;
  const earlier = isAll && !restart ? await rebuilds.unfinished() : undefined;
  const resumed = earlier?.generation === generation;
  // A state that an earlier version left has no `rows`.
  let state: RebuildState = resumed
    ? { ...NOTHING, ...earlier, rows: earlier.rows ?? earlier.calls }
    : { ...NOTHING, rows: 0, generation };

  const began = performance.now() - state.seconds * 1_000;
  const estimated = isAll ? await users.estimateCalls() : await users.callsOf(userId);
  const rows = new RowsDone(estimated, state);
  hooks.onStart(state, rows, estimated);

  let saving = Promise.resolve();
  let savedAtMs = performance.now();
  const save = () => {
    const standing = { ...state, ahead: rows.done - state.rows };
    // One at a time, or an older state might be written last.
    savedAtMs = Infinity;
    saving = saving
      .catch(() => {})
      .then(() => rebuilds.save(standing))
      .finally(() => {
        savedAtMs = performance.now();
      });
    // A failure does not matter: the next state is saved in a second, and the last one is awaited.
    saving.catch(() => {});
  };
  const tell = () => {
    hooks.onProgress(state, rows);
    if (isAll && performance.now() - savedAtMs >= SAVE_EVERY_MS) save();
  };

  const work = async (group: UserCalls[]) => {
    const own = rows.begin(callsIn(group));
    const onRows = (added: number) => {
      signal.throwIfAborted();
      own.add(added);
      tell();
    };
    const pieces = piecesOf(ledger);
    const done = await rebuildGroup(ledger, group, own, { slots, pieces, onRows, signal });
    own.finish();
    return { group, own, ...done };
  };
  const pages = isAll ? users.pages(state.through || undefined) : [[{ userId, calls: estimated }]];
  try {
    const groups = groupsOf(pages);
    for await (const done of inOrder(groups, concurrency, work, signal)) {
      done.own.close();
      state = {
        generation,
        through: done.group.at(-1)!.userId,
        users: state.users + done.group.length,
        calls: state.calls + callsIn(done.group),
        rows: rows.closed,
        ahead: 0,
        drifted: state.drifted + done.drifted,
        cold: state.cold + done.cold,
        filling: state.filling + done.filling,
        seconds: secondsSince(began),
      };
      tell();
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown;
  }
  const complete = !signal.aborted;
  state.seconds = secondsSince(began);
  if (isAll && !complete) save();
  if (complete) await saving.catch(() => {});
  else await saving;
  if (isAll && complete) await rebuilds.forget();
  return { ...state, resumed, complete };
}

/** @throws the reason of the signal where it ends before the group is done */
async function rebuildGroup(
  ledger: LedgerContext,
  group: readonly UserCalls[],
  rows: GroupRows,
  options: FillOptions & { signal: AbortSignal },
): Promise<{ drifted: number; cold: number; filling: number }> {
  const userIds = group.map(({ userId }) => userId);
  const audit = await retryOnTimeout(() => auditUsers(ledger, userIds, options), options.signal);
  const drifted = new Set(audit.differences.map(({ userId }) => userId));
  const filling = audit.filling.filter((userId) => !drifted.has(userId));
  rows.again(callsIn(group.filter(({ userId }) => drifted.has(userId))));
  await reopen(ledger, [...drifted]);
  const incomplete = [...drifted, ...audit.cold, ...filling];
  await retryOnTimeout(() => fillUntilComplete(ledger, incomplete, options), options.signal);
  options.signal.throwIfAborted();
  return { drifted: drifted.size, cold: audit.cold.length, filling: filling.length };
}

function callsIn(group: readonly UserCalls[]): number {
  return group.reduce((sum, { calls }) => sum + calls, 0);
}

/** To the millisecond. */
function secondsSince(began: number): number {
  return Math.round(performance.now() - began) / 1_000;
}
