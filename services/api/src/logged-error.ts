import { StoreError } from '@calltally/store';
import { scrub } from '@calltally/telemetry';
import { maskKeys } from './mask-keys.ts';

const ADDRESS =
  /\b(?:rediss?|mongodb(?:\+srv)?):\/\/\S+|\b[\w.-]+:\d{1,5}\b|\[[0-9a-f:]+\](?::\d+)?|(?<=\b(?:ENOTFOUND|EAI_AGAIN) )\S+/gi;
const FRAME = /^\s+at .*/m;

/** What a log says of a fault: enough to find it, without a stack trace, a store's address or a key. */
export interface LoggedError {
  type: string;
  code?: string;
  /** Left out where it is a driver's, which likes to name servers. */
  message?: string;
  /** What a driver's error was called. */
  cause?: string;
  /** The innermost frame, as Node writes it. */
  at?: string;
}

export function toLoggedError(thrown: unknown): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: clean(String(thrown)) };
  if (thrown instanceof StoreError) {
    const { name, code, meaning, cause } = thrown;
    return { type: name, code, message: meaning, ...(cause instanceof Error && { cause: cause.name }) };
  }
  const { code } = thrown as { code?: unknown };
  const frame = FRAME.exec(thrown.stack ?? '')?.[0].trim();
  return {
    type: thrown.name,
    ...(typeof code === 'string' && { code }),
    message: clean(thrown.message),
    ...(frame !== undefined && { at: frame }),
  };
}

function clean(text: string): string {
  return maskKeys(scrub(text)).replace(ADDRESS, '***');
}
