import { setTimeout as sleep } from 'node:timers/promises';
import { MongoServerError } from 'mongodb';
import { test } from 'tap';
import { createMongoCall } from '../src/mongo-call.ts';

const conflict = () => new MongoServerError({ message: 'WriteConflict', code: 112 });

function callOf({ timeoutMs = 1_000, connect = async () => {} } = {}) {
  const closing = new AbortController();
  const client = { connect } as unknown as Parameters<typeof createMongoCall>[0];
  return { mongo: createMongoCall(client, timeoutMs, closing.signal), closing };
}

test('a conflict is retried five times, unless the call says otherwise; nothing else is', async (t) => {
  const { mongo } = callOf();
  let attempts = 0;
  const failing = (thrown: () => Error, until = Infinity) => {
    attempts = 0;
    return async () => {
      attempts += 1;
      if (attempts < until) throw thrown();
      return 'done';
    };
  };
  t.equal(await mongo(failing(conflict, 3)), 'done');
  await t.rejects(mongo(failing(conflict)), { code: 'STORE_CONFLICT', retryable: true });
  t.equal(attempts, 6);
  await t.rejects(mongo(failing(conflict), { retries: 0 }), { code: 'STORE_CONFLICT' });
  t.equal(attempts, 1);
  await t.rejects(mongo(failing(() => new TypeError('our bug'))), { code: 'STORE_REFUSED' });
  t.equal(attempts, 1);
});

test('each attempt has the whole time, and its signal aborts when the time is over', async (t) => {
  const { mongo } = callOf({ timeoutMs: 100 });
  let attempts = 0;
  const slow = async () => {
    await sleep(60);
    attempts += 1;
    if (attempts < 3) throw conflict();
    return 'done';
  };
  t.equal(await mongo(slow), 'done');
  let given: AbortSignal | undefined;
  await t.rejects(
    mongo(({ signal, maxTimeMS }) => {
      given = signal;
      t.equal(maxTimeMS, 90, 'Mongo gives up earlier');
      return new Promise(() => {});
    }),
    { code: 'STORE_TIMEOUT', retryable: true, message: /no answer within 100 ms/ },
  );
  t.equal(given?.aborted, true);
});

test('connecting is part of the first call, within its time, until it worked once', async (t) => {
  let connects = 0;
  const connect = async () => {
    connects += 1;
    if (connects === 1) throw new Error('away');
    if (connects === 2) await sleep(1_000);
  };
  const { mongo } = callOf({ timeoutMs: 100, connect });
  const call = async () => 'done';
  await t.rejects(mongo(call), { code: 'STORE_REFUSED' });
  await t.rejects(mongo(call), { code: 'STORE_TIMEOUT' });
  t.equal(await mongo(call), 'done');
  t.equal(await mongo(call), 'done');
  t.equal(connects, 3);
});
