import { formatInstant } from '@calltally/domain';
import type { ApiKeyRow } from '@calltally/store';

/** An API key as it may be shown: everything but its hash. Times are RFC 3339 in UTC. */
export interface KeyView {
  key_id: string;
  user_id: string;
  state: 'active' | 'expired' | 'revoked';
  name?: string;
  created_at: string;
  expires_at?: string;
  revoked_at?: string;
}

export function keyView(row: ApiKeyRow, nowMs: number): KeyView {
  return {
    key_id: row._id,
    user_id: row.user_id,
    state: stateOf(row, nowMs),
    ...(row.name !== undefined && { name: row.name }),
    created_at: formatInstant(row.created_at.getTime()),
    ...(row.expires_at && { expires_at: formatInstant(row.expires_at.getTime()) }),
    ...(row.revoked_at && { revoked_at: formatInstant(row.revoked_at.getTime()) }),
  };
}

function stateOf(row: ApiKeyRow, nowMs: number): KeyView['state'] {
  if (row.revoked_at !== undefined) return 'revoked';
  return row.expires_at !== undefined && row.expires_at.getTime() <= nowMs ? 'expired' : 'active';
}
