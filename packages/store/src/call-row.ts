import { type Call, dayOf } from '@calltally/domain';

/** Where a call's event is on Kafka. Offsets are compared only within one topic epoch (`stream`) and partition. */
export interface Source {
  stream: number;
  partition: number;
  offset: number;
}

/** A document of the collection `calls`. */
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
  /** The canonical event: the first one of this call. */
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

/** Whether two rows say the same about a call, whatever their sources. */
export function sameContent(a: CallRow, b: CallRow): boolean {
  return (
    a.user_id === b.user_id &&
    a.started_at.getTime() === b.started_at.getTime() &&
    a.duration_ms === b.duration_ms &&
    // An earlier version wrote an empty agent id where there was none.
    (a.agent_id || undefined) === (b.agent_id || undefined) &&
    a.direction === b.direction &&
    a.status === b.status
  );
}
