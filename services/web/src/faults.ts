import type { ClientError } from '@calltally/client';

/** What a failed request means to people. `invalid` is what the address asks for, such as an unknown time zone. */
export type FaultKind = 'refused' | 'invalid' | 'limited' | 'unavailable' | 'failed' | 'unreachable';

const KINDS: Readonly<Record<number, FaultKind>> = {
  401: 'refused',
  403: 'refused',
  429: 'limited',
  503: 'unavailable',
};

export function kindOf({ status, code }: ClientError): FaultKind {
  if (code === 'INVALID_PARAMETER') return 'invalid';
  return status === undefined ? 'unreachable' : (KINDS[status] ?? 'failed');
}
