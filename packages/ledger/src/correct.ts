import {
  type CallRow,
  type CorrectionRow,
  contentOf,
  correctionId,
  type Source,
  sameContent,
  sameSource,
} from '@calltally/store';

/** What Mongo has of a call. */
export interface CallHistory {
  /** Undefined if Mongo lost it. */
  row: CallRow | undefined;
  /** In order. A gap is one that Mongo lost. */
  corrections: readonly (CorrectionRow | undefined)[];
}

/**
 * What becomes of an event whose call has a history.
 * - `redelivered`: it brought the row, or `correction`.
 * - `correction`: it is the next one, and is to be inserted.
 * - `duplicate`: the same revision counts already, saying the same.
 * - `changed`: the same revision counts already, saying something else; the first one stands.
 * - `outdated`: a higher revision counts already.
 */
export type Verdict =
  | { outcome: 'redelivered' | 'correction'; correction: CorrectionRow }
  | { outcome: 'redelivered' | 'duplicate' | 'changed' | 'outdated'; correction?: never };

/**
 * Decides by revision alone, so that the last correction is the highest revision in whatever order they arrive.
 * @param event as it would be a row
 */
export function judge({ row, corrections }: CallHistory, event: CallRow): Verdict {
  if (row !== undefined && sameSource(row.source, event.source)) return { outcome: 'redelivered' };
  for (const [i, correction] of corrections.entries()) {
    if (correction === undefined) continue;
    if (sameSource(correction.source, event.source)) return { outcome: 'redelivered', correction };
    const isLost = i > 0 && corrections[i - 1] === undefined;
    if (isLost && sameSource(correction.replaces, event.source)) return next({ row, corrections }, i, event);
  }
  const last = corrections.at(-1);
  if (row === undefined && last === undefined) return { outcome: 'outdated' };
  const by = revisionOf(event) - revisionOf((last ?? row)!);
  if (by > 0) return next({ row, corrections }, corrections.length + 1, event);
  if (by < 0) return { outcome: 'outdated' };
  const counted = last === undefined ? contentOf(row!) : last.plus;
  return { outcome: sameContent(counted, contentOf(event)) ? 'duplicate' : 'changed' };
}

export function revisionOf({ revision = 0 }: { revision?: number }): number {
  return revision;
}

function next({ row, corrections }: CallHistory, n: number, event: CallRow): Verdict {
  const before = n === 1 ? row : corrections[n - 2];
  // What it would replace is lost, and has to be restored first.
  if (before === undefined) return { outcome: 'outdated' };
  const minus = n === 1 ? contentOf(row!) : corrections[n - 2]!.plus;
  const plus = contentOf(event);
  const correction: CorrectionRow = {
    _id: correctionId(event._id, n),
    user_id: event.user_id,
    revision: revisionOf(event),
    ...(plus && { plus }),
    ...(minus && { minus }),
    source: event.source,
    replaces: before.source,
  };
  return { outcome: 'correction', correction };
}

/**
 * The events of other partitions that a correction builds on, the last one of each. Where they do not count, the correction
 * must not either: it would take away what was never added.
 */
export function needsOf({ row, corrections }: CallHistory, { source: own, _id }: CorrectionRow): Source[] {
  const needs = new Map<string, Source>();
  const add = (source: Source) => {
    if (source.stream === own.stream && source.partition === own.partition) return;
    const key = `${source.stream}:${source.partition}`;
    if (source.offset > (needs.get(key)?.offset ?? -1)) needs.set(key, source);
  };
  // What counts nothing is in no sum.
  if (row?.started_at !== undefined) add(row.source);
  for (const before of corrections) {
    if (before?._id === _id) break;
    if (before?.plus !== undefined || before?.minus !== undefined) add(before.source);
  }
  return [...needs.values()];
}
