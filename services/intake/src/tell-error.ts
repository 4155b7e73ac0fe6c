import type { HttpError } from '@calltally/http';
import { StoreError } from '@calltally/store';
import { IntakeError } from './intake-error.ts';

/** What a client is told of an error of Mongo: keys, hooks and times of receipt are there. */
export function tellError(cause: unknown): HttpError | undefined {
  return cause instanceof StoreError ? new IntakeError('UNAVAILABLE', { cause }) : undefined;
}
