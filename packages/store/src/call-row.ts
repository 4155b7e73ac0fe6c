import { type CallIdentity, type CallVersion, type Cell, cellOf, dayOf, isDeleted } from '@calltally/domain';

/** Where a call's event is on Kafka. Offsets are compared only within one topic epoch (`stream`) and partition. */
export interface Source {
  stream: number;
  partition: number;
  offset: number;
}

/** What is counted of a call. */
export interface CallContent {
  started_at: Date;
  /** UTC days since 1970-01-01, so that no aggregation needs date operators, which differ between servers. */
  day: number;
  duration_ms: number;
  agent_id?: string;
  direction?: string;
  status?: string;
}

/** A document of the collection `calls`: the first event of a call that arrived. Without content if it deletes the call. */
export interface CallRow extends Partial<CallContent> {
  /** See `rowId`. */
  _id: string;
  user_id: string;
  /** Absent: 0. */
  revision?: number;
  /** The canonical event: the one that brought the row. */
  source: Source;
}

/** In no id, and before every character of one: rows of a user are neighbours, and no two calls share an id. */
const SEPARATOR = '\u001f';
/** The character that follows it. */
const AFTER_SEPARATOR = ' ';

/** `_id` of a call's row. */
export function rowId({ userId, callId }: CallIdentity): string {
  return `${userId}${SEPARATOR}${callId}`;
}

/** `_id` of the nth correction of a call, from 1. */
export function correctionId(row: string, n: number): string {
  return `${row}${SEPARATOR}${n}`;
}

/** Matches the ids of all corrections of a call. */
export function idsOfCorrections(row: string): { _id: { $gt: string; $lt: string } } {
  return { _id: { $gt: `${row}${SEPARATOR}`, $lt: `${row}${AFTER_SEPARATOR}` } };
}

/**
 * Matches the users of calls by the ids of their rows. Beside ids, it changes nothing about what is found, but sends a query to
 * the shards of these users alone (docs/capacity.md, "Shard calls").
 */
export function ofTheirUsers(rowIds: readonly string[]): { user_id: { $in: string[] } } {
  return { user_id: { $in: [...new Set(rowIds.map((id) => id.slice(0, id.indexOf(SEPARATOR))))] } };
}

export function callIdOf({ _id, user_id }: { _id: string; user_id: string }): string {
  return _id.slice(user_id.length + 1);
}

export function toRow(call: CallVersion, source: Source): CallRow {
  const row: CallRow = { _id: rowId(call), user_id: call.userId, source };
  if (!isDeleted(call)) {
    row.started_at = new Date(call.startedAt);
    row.day = dayOf(call.startedAt);
    row.duration_ms = call.durationMs;
    if (call.agentId !== undefined) row.agent_id = call.agentId;
    if (call.direction !== undefined) row.direction = call.direction;
    if (call.status !== undefined) row.status = call.status;
  }
  if (call.revision) row.revision = call.revision;
  return row;
}

/** What a row counts; undefined if it deletes the call. */
export function contentOf(row: CallRow): CallContent | undefined {
  const { started_at, day, duration_ms, agent_id, direction, status } = row;
  if (started_at === undefined) return undefined;
  const content: CallContent = { started_at, day: day!, duration_ms: duration_ms! };
  // An earlier version wrote an empty agent id where there was none.
  if (agent_id) content.agent_id = agent_id;
  if (direction !== undefined) content.direction = direction;
  if (status !== undefined) content.status = status;
  return content;
}

/** The cell that a content counts in. */
export function cellOfContent({ agent_id = '', direction = '', status = '' }: CallContent): Cell {
  return cellOf({ agentId: agent_id, direction, status });
}

/** Whether two contents say the same about a call. */
export function sameContent(a: CallContent | undefined, b: CallContent | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.started_at.getTime() === b.started_at.getTime() &&
    a.duration_ms === b.duration_ms &&
    a.agent_id === b.agent_id &&
    a.direction === b.direction &&
    a.status === b.status
  );
}

export function sameSource(a: Source, b: Source): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.stream === b.stream;
}
