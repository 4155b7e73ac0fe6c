import {
  type CallRow,
  type CorrectionRow,
  contentOf,
  partitionId,
  type Source,
  type Store,
  sameContent,
  sameSource,
} from '@calltally/store';
import { judge, needsOf, revisionOf } from './correct.ts';

/**
 * What became of an event.
 * - `inserted`: it brought the call's row.
 * - `corrected`: it replaces what was counted of the call.
 * - `redelivered`: it had done either before.
 * - `duplicate`: another event said the same.
 * - `changed`: another event of the same revision said something else; the first one stands.
 * - `outdated`: a higher revision counts already.
 * - `erased`: the user was erased since.
 */
export type Outcome =
  | 'inserted'
  | 'corrected'
  | 'redelivered'
  | 'duplicate'
  | 'changed'
  | 'outdated'
  | 'erased';

/** A correction to be counted, with the events of other partitions that have to be counted before. */
export interface CountableCorrection {
  correction: CorrectionRow;
  needs: readonly Source[];
}

export interface RecordedRows {
  /** For each row, in order. */
  outcomes: Outcome[];
  /** By index of the row: of those `corrected`, and of those `redelivered` that are corrections. */
  corrections: Map<number, CountableCorrection>;
}

/**
 * Writes what events say to `calls` and `corrections`. A call has one row, which never changes; what replaces it is a chain
 * of corrections. The unique id of the next one lets only one writer have it; whoever loses reads again.
 *
 * Idempotent: an event that comes again finds what it had brought by its source.
 *
 * @param rows in order of their offsets within each partition
 * @param again the rows are probably there: looking them up costs less than a refused insert
 * @throws StoreError; then any part may have been inserted
 */
export async function recordRows(
  store: Pick<Store, 'calls' | 'corrections' | 'progress'>,
  rows: readonly CallRow[],
  again: boolean,
): Promise<RecordedRows> {
  const standing = again ? await insertMissing(store, rows) : await store.calls.insert(rows);
  const outcomes: Outcome[] = [];
  const higher: number[] = [];
  for (const [i, row] of rows.entries()) {
    const before = standing[i];
    if (before === undefined) outcomes.push('inserted');
    else if (before === LOST || (revisionOf(row) > revisionOf(before) && !isOwn(before, row))) {
      higher.push(i);
      outcomes.push('outdated');
    } else outcomes.push(outcomeAgainst(before, row));
  }
  const corrections = new Map<number, CountableCorrection>();
  if (higher.length > 0) await correct(store, rows, standing, higher, { outcomes, corrections });
  return { outcomes, corrections };
}

/** The row is lost, though it was corrected. */
const LOST = 'lost';
type Standing = CallRow | typeof LOST | undefined;

/** As `calls.insert`. A row that was corrected comes back only by the event that brought it. */
async function insertMissing(
  { calls, corrections }: Pick<Store, 'calls' | 'corrections'>,
  rows: readonly CallRow[],
): Promise<Standing[]> {
  const found = await calls.find([...new Set(rows.map(({ _id }) => _id))]);
  const missing = rows.filter(({ _id }) => !found.has(_id));
  const corrected = await corrections.of(missing.map(({ _id }) => _id));
  const isLost = ({ _id, source }: CallRow) => {
    const chain = corrected.get(_id)!;
    return chain.length > 0 && !(chain[0] && sameSource(chain[0].replaces, source));
  };
  const inserted = (await calls.insert(missing.filter((row) => !isLost(row)))).values();
  return rows.map((row) => found.get(row._id) ?? (isLost(row) ? LOST : inserted.next().value));
}

/** Rounds of one correction a call: the next one may only follow when the one before is in place. */
async function correct(
  { corrections, progress }: Pick<Store, 'corrections' | 'progress'>,
  rows: readonly CallRow[],
  standing: readonly Standing[],
  higher: readonly number[],
  recorded: RecordedRows,
): Promise<void> {
  /** By id of the call's row, the indexes that are to be judged, in order. */
  const pending = new Map<string, number[]>();
  for (const i of higher) {
    const { _id } = rows[i]!;
    pending.set(_id, [...(pending.get(_id) ?? []), i]);
  }
  let stored: Promise<ReadonlyMap<string, number>> | undefined;
  while (pending.size > 0) {
    const chains = await corrections.of([...pending.keys()]);
    const inserting = new Map<number, CountableCorrection>();
    for (const [rowId, indexes] of pending) {
      const row = standing[indexes[0]!];
      const history = { row: row === LOST ? undefined : row, corrections: chains.get(rowId)! };
      while (indexes.length > 0) {
        const { outcome, correction } = judge(history, rows[indexes[0]!]!);
        const counted = correction && { correction, needs: needsOf(history, correction) };
        if (outcome === 'correction') {
          inserting.set(indexes[0]!, counted!);
          break;
        }
        if (counted) recorded.corrections.set(indexes[0]!, counted);
        recorded.outcomes[indexes.shift()!] = outcome;
      }
      if (indexes.length === 0) pending.delete(rowId);
    }
    for (const { correction, needs } of inserting.values()) {
      if (needs.length === 0) continue;
      stored ??= progress.storedThrough();
      const unmet = unmetOf(needs, await stored);
      if (unmet.length > 0) correction.needs = unmet;
    }
    const taken = await corrections.insert([...inserting.values()].map(({ correction }) => correction));
    for (const [i, counted] of inserting) {
      if (taken.has(counted.correction._id)) continue;
      recorded.outcomes[i] = 'corrected';
      recorded.corrections.set(i, counted);
      pending.get(rows[i]!._id)!.shift();
    }
    for (const [rowId, indexes] of pending) if (indexes.length === 0) pending.delete(rowId);
  }
}

function unmetOf(needs: readonly Source[], stored: ReadonlyMap<string, number>): Source[] {
  return needs.filter(
    ({ stream, partition, offset }) => offset > (stored.get(partitionId(stream, partition)) ?? -1),
  );
}

function isOwn(standing: CallRow, row: CallRow): boolean {
  return sameSource(standing.source, row.source);
}

function outcomeAgainst(standing: CallRow, row: CallRow): Outcome {
  if (isOwn(standing, row)) return 'redelivered';
  if (revisionOf(row) < revisionOf(standing)) return 'outdated';
  return sameContent(contentOf(standing), contentOf(row)) ? 'duplicate' : 'changed';
}
