import type { CounterSession } from '@calltally/counters';
import { CounterSession as Session } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { fillUntilComplete, type LedgerContext, recordBatch, startEpoch } from '@calltally/ledger';
import { type Test, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { databaseOn, NOWHERE } from './support.ts';

const PARTITIONS = [0, 1];

/** Users whose calls are counted in a Redis and a database of their own, as ingest counts them. */
export interface CountedUsers {
  env: Record<string, string>;
  store: Store;
  ledger: LedgerContext;
  begin(): Promise<LedgerContext>;
  /** Records calls as the next events of a partition; whose they are is filled. */
  count(calls: readonly Call[], partition?: number): Promise<void>;
  /** The same, and leaves whoever Redis does not know to be filled. */
  record(calls: readonly Call[], partition?: number): Promise<void>;
  /** Sends a command to Redis by the session of the books. */
  redis: CounterSession['masters'][number]['redis'];
}

export async function countedUsers(t: Test): Promise<CountedUsers> {
  const [redis, mongo] = await Promise.all([testRedis(t), testMongo(t)]);
  const uri = databaseOn(mongo.address, uniqueName('ops'));
  const store = openStore({ uri, timeoutMs: 30_000, selectionTimeoutMs: 10_000 });
  const sessions: CounterSession[] = [];
  t.teardown(async () => {
    for (const session of sessions) session.end('the test is over');
    await store.close();
  });
  await store.ensureIndexes();
  const begin = async () => {
    const session = await Session.open({
      url: redis.address,
      commandTimeoutMs: 10_000,
      openTimeoutMs: 10_000,
    });
    sessions.push(session);
    const states = PARTITIONS.map((partition) => ({ partition, committed: 0, earliest: 0, end: 1e9 }));
    return (await startEpoch(store, session, { topicEpoch: 0, partitions: states, retentionMonths: 25 }))
      .ledger;
  };
  const ledger = await begin();
  const next = new Map<number, number>();
  const recordCalls = async (calls: readonly Call[], partition = 0) => {
    const from = next.get(partition) ?? 0;
    next.set(partition, from + calls.length);
    const events = calls.map((call, i) => ({ offset: from + i, call }));
    await recordBatch(ledger, { topicEpoch: 0, partition, events, through: from + calls.length - 1 });
  };
  return {
    env: { ...NOWHERE, REDIS_URL: redis.address, MONGODB_URI: uri },
    store,
    ledger,
    begin,
    redis: ledger.session.masters[0]!.redis,
    record: recordCalls,
    async count(calls, partition) {
      await recordCalls(calls, partition);
      await fillUntilComplete(ledger, [...new Set(calls.map(({ userId }) => userId))]);
    },
  };
}

export function callOf(userId: string, startedAt = Date.now()): Call {
  return { callId: uniqueName('call'), userId, startedAt, durationMs: 1_000 };
}

/** Each line of the output as JSON. */
export function jsonLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
