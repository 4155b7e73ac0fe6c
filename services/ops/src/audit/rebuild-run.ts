import { auditUsers, type Books, repairUsers, warmUsers } from '@calltally/ledger';
import type { RebuildState, UserCalls } from '@calltally/store';
import { inOrder, inPieces } from './in-order.ts';

export interface RebuildRequest {
  /** This one alone; all who have calls without. */
  userId: string | undefined;
  /** Pieces of users worked on at the same time. */
  concurrency: number;
  /** Begins anew, whatever an earlier rebuild has done. */
  restart: boolean;
}

export interface RebuildHooks {
  /** @param from what an earlier rebuild of the same generation has done; zeros without one */
  onStart(from: RebuildState, estimatedCalls: number): void;
  onProgress(state: RebuildState): void;
  /** Users that others kept recounting, so that nothing can be said of them. */
  onFailed(userIds: readonly string[]): void;
}

export interface Rebuilt extends RebuildState {
  resumed: boolean;
  /** False when asked to stop before the end. */
  complete: boolean;
}

const USERS_A_PIECE = 200;
const SAVE_EVERY_MS = 1_000;

/**
 * Makes every user's counters what the rows say, while events are counted and dashboards answered. Counters that are
 * right are left alone; those that differ are recounted, and so are users that Redis does not know. No answer is wrong
 * at any moment because of it: a recount takes a user's counters from one right state to another.
 *
 * How far it came is kept in Mongo, so that the next rebuild goes on there after a kill.
 *
 * @throws CountersError, StoreError; then the next rebuild goes on from about here
 */
export async function rebuild(
  books: Books,
  request: RebuildRequest,
  hooks: RebuildHooks,
  signal: AbortSignal,
): Promise<Rebuilt> {
  const { users, rebuilds } = books.store;
  const { userId, concurrency, restart } = request;
  const generation = [...books.generations.values()]
    .map(({ id }) => id)
    .sort()
    .join(',');
  const isAll = userId === undefined;
  const earlier = isAll && !restart ? await rebuilds.unfinished() : undefined;
  const resumed = earlier?.generation === generation;
  let state: RebuildState = resumed
    ? earlier
    : { generation, through: '', users: 0, calls: 0, drifted: 0, cold: 0, failed: 0, seconds: 0 };

  const began = performance.now() - state.seconds * 1_000;
  let savedAtMs = performance.now();
  hooks.onStart(state, isAll ? await users.estimateCalls() : 0);
  const pages = isAll
    ? users.pages(state.through || undefined)
    : onePage(userId, () => users.callsOf(userId));
  const work = (piece: UserCalls[]) => rebuildPiece(books, piece);
  const results = inOrder(inPieces(pages, USERS_A_PIECE), concurrency, work, signal);
  for await (const { piece, drifted, cold, failed } of results) {
    state = {
      generation,
      through: piece.at(-1)!.userId,
      users: state.users + piece.length,
      calls: piece.reduce((sum, { calls }) => sum + calls, state.calls),
      drifted: state.drifted + drifted,
      cold: state.cold + cold,
      failed: state.failed + failed.length,
      seconds: Math.round(performance.now() - began) / 1_000,
    };
    if (failed.length > 0) hooks.onFailed(failed);
    hooks.onProgress(state);
    if (isAll && performance.now() - savedAtMs >= SAVE_EVERY_MS) {
      await rebuilds.save(state);
      savedAtMs = performance.now();
    }
  }
  const complete = !signal.aborted;
  if (isAll && complete) await rebuilds.forget();
  else if (isAll) await rebuilds.save(state);
  return { ...state, resumed, complete };
}

async function rebuildPiece(books: Books, piece: UserCalls[]) {
  const { cold, differences } = await auditUsers(
    books,
    piece.map(({ userId }) => userId),
  );
  const drifted = [...new Set(differences.map(({ userId }) => userId))];
  await repairUsers(books, drifted);
  await warmUsers(books, cold);
  return { piece, drifted: drifted.length, cold: cold.length, failed: [] as string[] };
}

async function* onePage(userId: string, calls: () => Promise<number>): AsyncGenerator<UserCalls[]> {
  yield [{ userId, calls: await calls() }];
}
