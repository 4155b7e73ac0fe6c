import type { CallEvent } from '@calltally/contract';

const USERS = 1_000;
/** A topic holds calls in the order they ended: a backlog, as an outage leaves it. */
const BACKLOG_MS = 6 * 3_600_000;

/** Events of calls that ended one after another. @param name that no other backlog of the run has */
export function backlog(name: string, count: number): CallEvent[] {
  const now = Date.now();
  return Array.from({ length: count }, (_, i) => ({
    call_id: `bench-${name}-${i}-${Math.random().toString(36).slice(2, 10)}`,
    user_id: `user-${Math.floor(Math.random() * USERS)}`,
    started_at: new Date(now - Math.floor((1 - i / count) * BACKLOG_MS)).toISOString(),
    duration_seconds: Math.floor(Math.random() * 600_000) / 1000,
    direction: 'inbound',
    status: 'completed',
  }));
}
