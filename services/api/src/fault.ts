import { scrub } from '@calltally/telemetry';
import { maskKeys } from './mask-keys.ts';

const ADDRESS = /\b[\w.-]+:\d{2,5}\b|\[[0-9a-f:]+\](?::\d+)?/gi;
const FRAME = /^\s+at .*/m;

/** What a log says of a fault: enough to find it, without a stack trace, a store's address or a key. */
export interface Fault {
  type: string;
  message: string;
  code?: string;
  /** The innermost frame, as Node writes it. */
  at?: string;
}

export function faultOf(thrown: unknown): Fault {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: clean(String(thrown)) };
  const { code } = thrown as { code?: unknown };
  const frame = FRAME.exec(thrown.stack ?? '')?.[0].trim();
  return {
    type: thrown.name,
    message: clean(thrown.message),
    ...(typeof code === 'string' && { code }),
    ...(frame !== undefined && { at: frame }),
  };
}

function clean(text: string): string {
  return maskKeys(scrub(text)).replace(ADDRESS, '***');
}
