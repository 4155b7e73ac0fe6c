import { type Call, dayOf } from '@calltally/domain';

/** Where the event of a call stands on Kafka. Offsets are compared only within one stream and partition. */
export interface Source {
  stream: number;
  partition: number;
  offset: number;
}

/** A call as it rests in the collection `calls`. */
export interface CallRow {
  _id: string;
  user_id: string;
  started_at: Date;
  /** UTC days since 1970-01-01, so that no aggregation needs date operators, which differ between servers. */
  day: number;
  duration_ms: number;
  agent_id?: string;
  direction?: string;
  status?: string;
  /** The canonical event: the one that first brought this call. */
  source: Source;
}

export function toRow(call: Call, source: Source): CallRow {
  const row: CallRow = {
    _id: call.callId,
    user_id: call.userId,
    started_at: new Date(call.startedAt),
    day: dayOf(call.startedAt),
    duration_ms: call.durationMs,
    source: { stream: source.stream, partition: source.partition, offset: source.offset },
  };
  if (call.agentId !== undefined) row.agent_id = call.agentId;
  if (call.direction !== undefined) row.direction = call.direction;
  if (call.status !== undefined) row.status = call.status;
  return row;
}

export function sameSource(a: Source, b: Source): boolean {
  return a.offset === b.offset && a.partition === b.partition && a.stream === b.stream;
}

/** Whether two rows tell the same about the call, wherever they came from. */
export function sameContent(a: CallRow, b: CallRow): boolean {
  return (
    a.user_id === b.user_id &&
    a.started_at.getTime() === b.started_at.getTime() &&
    a.duration_ms === b.duration_ms &&
    // Rows of an earlier version may have an empty one where none is known.
    (a.agent_id || undefined) === (b.agent_id || undefined) &&
    a.direction === b.direction &&
    a.status === b.status
  );
}
