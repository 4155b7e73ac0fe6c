import {
  type BulkWriteResult,
  MongoBulkWriteError,
  MongoInvalidArgumentError,
  MongoNetworkError,
  MongoNetworkTimeoutError,
  MongoOperationTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  type WriteError,
} from 'mongodb';
import { test } from 'tap';
import { StoreError, storeError } from '../src/errors.ts';

const server = (code: number, message = 'said the server') => new MongoServerError({ message, code });

test('every error has a stable code and says whether a retry helps', async (t) => {
  const table: [unknown, string, boolean][] = [
    [server(112), 'STORE_CONFLICT', true],
    [server(16908292), 'STORE_CONFLICT', true],
    [server(175), 'STORE_CONFLICT', true],
    [server(50), 'STORE_TIMEOUT', true],
    [server(262), 'STORE_TIMEOUT', true],
    [new MongoOperationTimeoutError('late'), 'STORE_TIMEOUT', true],
    [new MongoNetworkTimeoutError('late'), 'STORE_TIMEOUT', true],
    [server(11), 'STORE_CREDENTIALS', false],
    [server(18), 'STORE_CREDENTIALS', false],
    [server(334), 'STORE_CREDENTIALS', false],
    [server(8000, 'bad auth : authentication failed'), 'STORE_CREDENTIALS', false],
    [server(8000, 'user is not allowed to do action [insert]'), 'STORE_FORBIDDEN', false],
    [server(13), 'STORE_FORBIDDEN', false],
    [server(14031), 'STORE_FULL', true],
    [server(1, 'could not extend file "base/5/1": No space left on device'), 'STORE_FULL', true],
    [server(59), 'STORE_REFUSED', false],
    [server(121), 'STORE_REFUSED', false],
    [server(1), 'STORE_UNAVAILABLE', true],
    [server(64), 'STORE_UNAVAILABLE', true],
    [server(10107), 'STORE_UNAVAILABLE', true],
    [server(11600), 'STORE_UNAVAILABLE', true],
    [server(987654), 'STORE_UNAVAILABLE', true],
    [new MongoNetworkError('cut'), 'STORE_UNAVAILABLE', true],
    [new MongoServerSelectionError('nobody', {} as never), 'STORE_UNAVAILABLE', true],
    [new MongoInvalidArgumentError('our bug'), 'STORE_REFUSED', false],
    [new TypeError('our bug'), 'STORE_REFUSED', false],
  ];
  for (const [thrown, code, retryable] of table) {
    const error = storeError(thrown);
    t.match(error, { name: 'StoreError', code, retryable }, String(thrown));
    t.equal(error.cause, thrown);
    t.ok(error.message.startsWith(`${code}: `));
  }
});

test('a conflict in a bulk write is found behind taken ids', async (t) => {
  const bulk = (...codes: number[]) => {
    const errors = codes.map((code, index) => ({ index, code }) as WriteError);
    return new MongoBulkWriteError(
      { message: 'bulk', code: codes[0]!, writeErrors: errors },
      {} as BulkWriteResult,
    );
  };
  t.match(storeError(bulk(11000, 16908292)), { code: 'STORE_CONFLICT' });
  t.match(storeError(bulk(112, 11000)), { code: 'STORE_CONFLICT' });
  t.match(storeError(bulk(11000, 11000, 13)), { code: 'STORE_FORBIDDEN' });
  t.match(storeError(bulk(11000)), { code: 'STORE_UNAVAILABLE', retryable: true });
});

test('a StoreError stays as it is', async (t) => {
  const error = new StoreError('STORE_CONFLICT', true, 'x');
  t.equal(storeError(error), error);
});
