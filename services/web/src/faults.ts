import type { ClientError } from '@calltally/client';

/** What a failed request means to people. */
export type FaultKind = 'refused' | 'limited' | 'unavailable' | 'failed' | 'unreachable';

const KINDS: Readonly<Record<number, FaultKind>> = {
  401: 'refused',
  403: 'refused',
  429: 'limited',
  503: 'unavailable',
};

export function kindOf({ status }: ClientError): FaultKind {
  return status === undefined ? 'unreachable' : (KINDS[status] ?? 'failed');
}
