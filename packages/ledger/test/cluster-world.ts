import { setTimeout as sleep } from 'node:timers/promises';
import { CounterSession, type CounterSessionOptions, type Generation } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import type { ClusterNode } from '@calltally/stack';
import { type Test, testMongo, testRedisCluster, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import {
  auditUsers,
  Checkpoints,
  fillUntilComplete,
  type LedgerContext,
  recordBatch,
  startEpoch,
} from '../src/index.ts';
import { batchOf, callOf, RETENTION_MONTHS } from './support.ts';

const PARTITION = '0:0';
const TRIES_MAX = 100;
const PAUSE_MS = 100;
const LIMITS = { commandTimeoutMs: 5_000, openTimeoutMs: 1_000 };

/** Three masters without replicas, a Mongo, and one consumer of one partition. */
export async function clusterWorld(t: Test) {
  const [cluster, mongo] = await Promise.all([
    testRedisCluster(t, { replicas: 0, nodeTimeoutMs: 1_000 }),
    testMongo(t),
  ]);
  const database = uniqueName('cluster');
  const store = openStore({ uri: mongo.address, database, timeoutMs: 20_000, selectionTimeoutMs: 10_000 });
  const client = new MongoClient(mongo.address);
  t.teardown(async () => {
    await client.db(database).dropDatabase();
    await Promise.all([client.close(), store.close()]);
  });
  await store.ensureIndexes();
  const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const settings: CounterSessionOptions = { clusterNodes, ...LIMITS, allowsAbsentMasters: true };
  return { cluster, store, settings, consumer: () => new Consumer(t, store, settings) };
}

/** Counts the events of a partition as ingest does: an epoch, batches, checkpoints. */
export class Consumer {
  readonly #store: Store;
  readonly #settings: CounterSessionOptions;
  #session: CounterSession | undefined;
  ledger!: LedgerContext;
  checkpoints!: Checkpoints;
  readonly topic: { offset: number; call: Call }[] = [];
  /** Where the epoch reads from, and what is recorded. */
  next = 0;
  committed = 0;

  constructor(t: Test, store: Store, settings: CounterSessionOptions) {
    this.#store = store;
    this.#settings = settings;
    t.teardown(() => this.#session?.end('the test is over'));
  }

  get session(): CounterSession {
    return this.#session!;
  }

  /** @param skipped offsets without an event before these calls */
  send(userIds: readonly string[], call: Partial<Call> = {}, skipped = 0): void {
    let offset = (this.topic.at(-1)?.offset ?? -1) + 1 + skipped;
    for (const userId of userIds) this.topic.push({ offset: offset++, call: callOf(userId, call) });
  }

  /** Waits while the cluster is being changed. @returns the offset that the epoch begins at */
  async begin(adoptsSlots = false): Promise<number> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#begin(adoptsSlots);
      } catch (thrown) {
        if ((thrown as { code?: string }).code !== 'COUNTERS_MOVING' || tries === TRIES_MAX) throw thrown;
        await sleep(PAUSE_MS);
      }
    }
  }

  async #begin(adoptsSlots: boolean): Promise<number> {
    const before = this.#session;
    this.#session = await CounterSession.open(this.#settings, before);
    before?.replacedBy(this.#session);
    const state = { partition: 0, committed: this.committed, earliest: 0, end: 1e9 };
    const { ledger, starts } = await startEpoch(this.#store, this.#session, {
      topicEpoch: 0,
      partitions: [state],
      retentionMonths: RETENTION_MONTHS,
      adoptsSlots,
    });
    this.ledger = ledger;
    this.checkpoints = new Checkpoints(ledger);
    const [start] = starts;
    if (start?.kind !== 'at') throw new Error('refused');
    this.next = start.offset;
    return this.next;
  }

  /** Counts everything that was sent. */
  async count(asOfMs?: number): Promise<void> {
    const events = this.topic.filter(({ offset }) => offset >= this.next);
    if (events.length === 0) return;
    const stored = (await this.#store.progress.storedThrough()).get(PARTITION) ?? -1;
    const isStored = ({ offset }: { offset: number }) => offset <= stored;
    for (const [some, again] of [
      [events.filter(isStored), true],
      [events.filter((event) => !isStored(event)), false],
    ] as const) {
      if (some.length === 0) continue;
      const batch = batchOf(0, some);
      await recordBatch(this.ledger, again ? { ...batch, again } : batch);
      const userIds = some.map(({ call }) => call.userId);
      await this.checkpoints.counted(PARTITION, batch.through, userIds);
      this.next = batch.through + 1;
    }
    this.committed = this.next;
    if (asOfMs === undefined) return;
    await this.checkpoints.flush(new Map([[PARTITION, asOfMs]]));
    await this.checkpoints.advanceAsOf();
  }

  fill(userIds: readonly string[]): Promise<void> {
    return fillUntilComplete(this.ledger, userIds);
  }

  audit(userIds: readonly string[]) {
    return auditUsers(this.ledger, userIds);
  }

  /** By the port of its master. */
  generations(): Map<number, Generation> {
    return new Map([...this.ledger.generations].map(([master, one]) => [master.address!.port, one]));
  }

  portOf(userId: string): number {
    return this.session.master(userId).address!.port;
  }
}

/** Asks a node as an operator would. */
export async function askNode<T>({ host, port }: ClusterNode, ask: (admin: Redis) => Promise<T>): Promise<T> {
  const admin = new Redis({ host, port, retryStrategy: () => null });
  try {
    return await ask(admin);
  } finally {
    admin.disconnect();
  }
}

/** The hash slot of a key. */
export async function slotOf(node: ClusterNode, key: string): Promise<number> {
  return Number(await askNode(node, (admin) => admin.call('CLUSTER', 'KEYSLOT', key)));
}

/** The generation keys that lie on a node. */
export function generationKeys(node: ClusterNode): Promise<string[]> {
  return askNode(node, (admin) => admin.keys('ct2:ledger:*'));
}
