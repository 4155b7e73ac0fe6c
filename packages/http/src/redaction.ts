import { StoreError } from '@calltally/store';
import { scrub } from '@calltally/telemetry';

const API_KEY = /ct_[A-Za-z0-9_-]{16,}/g;
/** `eyJ` is what base64url makes of `{"`, with which the parts of a token begin. */
const TOKEN = /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)*/g;
const ADDRESS =
  /\b(?:rediss?|mongodb(?:\+srv)?):\/\/\S+|\b[\w.-]+:\d{1,5}\b|\[[0-9a-f:]+\](?::\d+)?|(?<=\b(?:ENOTFOUND|EAI_AGAIN) )\S+/gi;
const FRAME = /^\s+at .*/m;

/** An error as it is logged: enough to find the cause, without a stack trace, a store's address or a key. */
interface LoggedError {
  type: string;
  code?: string;
  /** Never a driver's own message, since drivers name servers. */
  message?: string;
  /** The name of the driver's error. */
  cause?: string;
  /** The innermost stack frame. */
  at?: string;
}

/**
 * Masks API keys and tokens, also truncated ones, in text that a client wrote. Clients put keys into paths and parameters, and
 * both appear in logs and error messages.
 */
export function maskKeys(text: string): string {
  const masked = text.includes('ct_') ? text.replace(API_KEY, 'ct_***') : text;
  return masked.includes('eyJ') ? masked.replace(TOKEN, 'eyJ***') : masked;
}

export function toLoggedError(thrown: unknown): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: redact(String(thrown)) };
  if (thrown instanceof StoreError) {
    const { name, code, meaning, cause } = thrown;
    return { type: name, code, message: meaning, ...(cause instanceof Error && { cause: cause.name }) };
  }
  const { code } = thrown as { code?: unknown };
  const frame = FRAME.exec(thrown.stack ?? '')?.[0].trim();
  return {
    type: thrown.name,
    ...(typeof code === 'string' && { code }),
    message: redact(thrown.message),
    ...(frame !== undefined && { at: frame }),
  };
}

function redact(text: string): string {
  return maskKeys(scrub(text)).replace(ADDRESS, '***');
}
