import { type TlsNames, tlsFault } from '@calltally/tls';
import {
  MongoBulkWriteError,
  MongoError,
  MongoInvalidArgumentError,
  MongoMissingCredentialsError,
  MongoParseError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';
import { TimeoutError } from 'p-timeout';

const NAMES: TlsNames = {
  engine: 'Mongo',
  address: 'MONGODB_URI',
  authorities: 'tlsCAFile in MONGODB_URI',
  client: 'tlsCertificateKeyFile in MONGODB_URI',
};

/** What each code means, and its remedy. */
const MEANINGS = {
  STORE_UNAVAILABLE: [
    'no Mongo can be reached',
    'see that it runs, that MONGODB_URI names it, and that TLS and certificates in it are what it expects',
  ],
  STORE_TIMEOUT: ['Mongo did not answer in time', 'see whether it is overloaded or hangs'],
  STORE_CONFLICT: ['each attempt met a conflict with another writer', 'try again'],
  STORE_CREDENTIALS: [
    'Mongo refused the user or the password',
    'correct them in MONGODB_URI, and authSource, the database in which the user was created',
  ],
  STORE_FORBIDDEN: [
    'Mongo does not let this user do that',
    'give the user the role readWrite on the database that MONGODB_URI names, or name a user in MONGODB_URI',
  ],
  STORE_TLS: [
    'cannot make a TLS connection to Mongo',
    'see that MONGODB_URI uses TLS as the server does, and trusts its certificate (tlsCAFile), which must not have expired',
  ],
  STORE_FULL: ['Mongo has no disk space left', 'make room for its data'],
  STORE_URI: ['MONGODB_URI cannot be used', 'correct it'],
  STORE_ROWS_OUTDATED: [
    'the rows in Mongo are those of the version before',
    'run `calltally upgrade` (docs/operations.md); nothing is counted until then, and nothing is lost',
  ],
  STORE_REFUSED: [
    'Mongo refused the request',
    'see that it is MongoDB 6 to 8 or compatible with it; if so, this is a bug in calltally',
  ],
} as const;

export type StoreErrorCode = keyof typeof MEANINGS;

/** What happened and the remedy; undefined if the code is not one of these. */
export function meaningOf(code: string): string | undefined {
  return Object.hasOwn(MEANINGS, code) ? MEANINGS[code as StoreErrorCode].join('; ') : undefined;
}

/** Any failure of a call to Mongo. `retryable`: the same call may succeed later with nothing changed on our side. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /** What happened and the remedy, without the driver's message, which names servers. */
  readonly meaning: string;

  constructor(
    readonly code: StoreErrorCode,
    readonly retryable: boolean,
    override readonly cause: unknown,
  ) {
    const tls = code === 'STORE_TLS' ? tlsFaultIn(cause) : undefined;
    const [what, remedy] = MEANINGS[code];
    const said = (cause instanceof Error ? cause.message : String(cause)).trim();
    super(`${code}: ${tls ?? `${what} (${said}); ${remedy}`}`);
    this.meaning = tls ?? `${what}; ${remedy}`;
  }
}

/** Duplicate key. Its message differs between servers. */
export const DUPLICATE_KEY = 11000;

const BY_SERVER_CODE = new Map<unknown, StoreErrorCode>([
  // WriteConflict of MongoDB, the deadlock of DocumentDB, and QueryPlanKilled: a collection took the place of the one read
  ...codes('STORE_CONFLICT', 112, 16908292, 175),
  // MaxTimeMSExpired, ExceededTimeLimit
  ...codes('STORE_TIMEOUT', 50, 262),
  // UserNotFound, AuthenticationFailed, MechanismUnavailable
  ...codes('STORE_CREDENTIALS', 11, 18, 334),
  // Unauthorized
  ...codes('STORE_FORBIDDEN', 13),
  // OutOfDiskSpace
  ...codes('STORE_FULL', 14031),
  // Bad value, type mismatch, unknown command, document too large, failed validation: our bug
  ...codes('STORE_REFUSED', 2, 9, 14, 59, 121, 10334, 17419, 51075),
]);
/** Retries do not help with these: something has to be corrected. */
const FINAL = new Set<StoreErrorCode>(['STORE_CREDENTIALS', 'STORE_FORBIDDEN', 'STORE_URI', 'STORE_REFUSED']);
const TIMEOUT_NAMES = new Set(['MongoOperationTimeoutError', 'MongoNetworkTimeoutError']);
const NETWORK_CODE = /^(E(CONN|HOST|NET|PIPE|TIMEOUT|AI_)|E?(NOTFOUND|NODATA|SERVFAIL|REFUSED)$)/;
/** The file system's message. A server on top of another database passes it on with a general code. */
const NO_ROOM = /no space left on device|disk quota exceeded/i;
/** The hosted service's one code for everything that its front end refuses. */
const ATLAS_ERROR = 8000;

/** Whether a StoreError is about an id that is taken. */
export function isDuplicateKey(thrown: unknown): boolean {
  const cause = thrown instanceof StoreError ? thrown.cause : undefined;
  return (cause as { code?: unknown } | null | undefined)?.code === DUPLICATE_KEY;
}

/** Maps whatever was thrown to a StoreError. Unknown errors of Mongo are retryable. */
export function storeError(thrown: unknown): StoreError {
  if (thrown instanceof StoreError) return thrown;
  const code = codeOf(thrown);
  return new StoreError(code, !FINAL.has(code), thrown);
}

function codeOf(thrown: unknown): StoreErrorCode {
  if (tlsFaultIn(thrown) !== undefined) return 'STORE_TLS';
  if (thrown instanceof TimeoutError) return 'STORE_TIMEOUT';
  if (!(thrown instanceof MongoError)) return foreignCodeOf(thrown);
  if (thrown instanceof MongoParseError) return 'STORE_URI';
  if (thrown instanceof MongoMissingCredentialsError) return 'STORE_CREDENTIALS';
  if (thrown instanceof MongoInvalidArgumentError || thrown.name === 'MongoCompatibilityError')
    return 'STORE_REFUSED';
  if (TIMEOUT_NAMES.has(thrown.name)) return 'STORE_TIMEOUT';
  if (NO_ROOM.test(thrown.message)) return 'STORE_FULL';
  const code = serverCodeOf(thrown);
  if (code === ATLAS_ERROR) return /auth/i.test(thrown.message) ? 'STORE_CREDENTIALS' : 'STORE_FORBIDDEN';
  return BY_SERVER_CODE.get(code) ?? 'STORE_UNAVAILABLE';
}

/** Errors of other libraries, which the driver passes on when it reads a URI, looks up a name or opens a file. */
function foreignCodeOf(thrown: unknown): StoreErrorCode {
  const { name, code, syscall } = (thrown ?? {}) as { name?: unknown; code?: unknown; syscall?: unknown };
  if (name === 'MongoParseError' || syscall === 'open') return 'STORE_URI';
  return NETWORK_CODE.test(String(code)) ? 'STORE_UNAVAILABLE' : 'STORE_REFUSED';
}

/** Of a bulk write, the first code that is no duplicate key: a conflict may stand behind taken ids. */
function serverCodeOf(thrown: MongoError): unknown {
  if (thrown instanceof MongoBulkWriteError) {
    const errors = Array.isArray(thrown.writeErrors) ? thrown.writeErrors : [thrown.writeErrors];
    return errors.find((error) => error.code !== DUPLICATE_KEY)?.code ?? thrown.code;
  }
  return thrown instanceof MongoServerError ? thrown.code : null;
}

/** The error and its causes; those of a failed server selection are the errors of all servers. */
function causes(thrown: unknown): unknown[] {
  if (!(thrown instanceof Error)) return [];
  const servers =
    thrown instanceof MongoServerSelectionError ? [...(thrown.reason?.servers?.values() ?? [])] : [];
  return [thrown, ...[thrown.cause, ...servers.map(({ error }) => error)].flatMap(causes)];
}

function tlsFaultIn(thrown: unknown): string | undefined {
  for (const cause of causes(thrown)) {
    const fault = tlsFault(cause, NAMES);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function codes(meaning: StoreErrorCode, ...ofServer: number[]): [unknown, StoreErrorCode][] {
  return ofServer.map((code) => [code, meaning]);
}
