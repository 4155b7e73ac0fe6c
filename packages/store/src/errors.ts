import { MongoBulkWriteError, MongoError, MongoInvalidArgumentError, MongoServerError } from 'mongodb';

export type StoreErrorCode = 'STORE_UNAVAILABLE' | 'STORE_TIMEOUT' | 'STORE_CONFLICT' | 'STORE_REFUSED';

/**
 * Every failure of Mongo that leaves this package.
 * `retryable` says whether the same call may succeed later without anyone's help; all our calls are idempotent.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  constructor(
    readonly code: StoreErrorCode,
    readonly retryable: boolean,
    override readonly cause: unknown,
  ) {
    super(`${code}: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
}

/** A duplicate key: the one server error whose meaning is part of the protocol. The text differs between servers. */
export const DUPLICATE_KEY = 11000;

/** Two writers in each other's way: MongoDB's WriteConflict, and the deadlock code of DocumentDB. */
const CONFLICT_CODES = new Set<unknown>([112, 16908292]);
/** MaxTimeMSExpired and its kin. */
const TIMEOUT_CODES = new Set<unknown>([50, 262]);
/** Authentication and authorisation: waiting does not help. */
const REFUSED_CODES = new Set<unknown>([13, 18, 8000]);
/** Bad value, type mismatch, unknown command, document too large, failed validation: a fault of ours. */
const FAULT_CODES = new Set<unknown>([2, 9, 14, 59, 121, 10334, 17419, 51075]);
const TIMEOUT_NAMES = new Set(['MongoOperationTimeoutError', 'MongoNetworkTimeoutError']);

/** Maps anything thrown by the driver to a StoreError; what is not known to be final counts as worth a retry. */
export function storeError(thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  if (!(thrown instanceof MongoError) || thrown instanceof MongoInvalidArgumentError) {
    return new StoreError('STORE_REFUSED', false, thrown);
  }
  if (TIMEOUT_NAMES.has(thrown.name)) return new StoreError('STORE_TIMEOUT', true, thrown);
  const code = codeOf(thrown);
  if (CONFLICT_CODES.has(code)) return new StoreError('STORE_CONFLICT', true, thrown);
  if (TIMEOUT_CODES.has(code)) return new StoreError('STORE_TIMEOUT', true, thrown);
  if (REFUSED_CODES.has(code) || FAULT_CODES.has(code)) return new StoreError('STORE_REFUSED', false, thrown);
  return new StoreError('STORE_UNAVAILABLE', true, thrown);
}

/** Of a bulk write the first code that is no duplicate key: a taken id is an answer, and may hide a conflict. */
function codeOf(thrown: MongoError): unknown {
  if (thrown instanceof MongoBulkWriteError) {
    const errors = Array.isArray(thrown.writeErrors) ? thrown.writeErrors : [thrown.writeErrors];
    return errors.find((error) => error.code !== DUPLICATE_KEY)?.code ?? thrown.code;
  }
  return thrown instanceof MongoServerError ? thrown.code : null;
}
