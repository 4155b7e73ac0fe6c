import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine } from '@calltally/stack';
import { type Test, testRedis } from '@calltally/stack/testing';
import { Redis } from 'ioredis';
import { test } from 'tap';
import { Live, PARTITIONS, RANGES, startOf } from './live.ts';
import { figuresOf } from './one-cut.ts';
import { Readers } from './readers.ts';
import {
  bothFilled,
  callsIn,
  DAY_MS,
  dashboardOracle,
  REMEMBERS,
  testReader,
  testWorld,
  until,
} from './support.ts';

const READERS = 16;
/** Batches counted before a failover, while a replica lags, and after it. */
const BATCHES = 20;
/** How long nobody answers at the address. */
const AWAY_MS = 150;
/** How much faster the clock of writer and readers runs, so that minutes around midnight pass in seconds. */
const SPEED = 60;
const BEGINS_BEFORE_MIDNIGHT_MS = 20 * 60_000;
/** By that clock. */
const DIES_BEFORE_MIDNIGHT_MS = 6_000;

interface Node {
  engine: Engine;
  redis: Redis;
}

/** A replica that has caught up with its master. */
async function replicaOf(t: Test, master: Redis, port: number): Promise<Node> {
  await master.config('SET', 'repl-diskless-sync-delay', '0');
  const engine = await testRedis(t);
  const redis = new Redis(engine.address, { retryStrategy: () => null });
  redis.on('error', () => {});
  t.teardown(() => redis.disconnect());
  await redis.replicaof('127.0.0.1', port);
  const follows = (info: string) => info.includes('master_link_status:up');
  const info = await until(() => redis.info('replication'), follows);
  if (!follows(info)) throw new Error(`the replica does not follow:\n${info}`);
  return { engine, redis };
}

/** Events that a Redis has counted, by its own checkpoints. */
async function countedIn(redis: Redis): Promise<number> {
  const ledger = await redis.hgetall('ct2:ledger:{0}');
  return PARTITIONS.reduce((sum, partition) => sum + Number(ledger[`mark:0:${partition}`] ?? -1) + 1, 0);
}

/** Resolves when this many more batches are counted. */
async function counts(live: Live, batches: number): Promise<void> {
  const enough = live.batches + batches;
  await until(
    () => live.batches,
    (now) => now >= enough,
  );
  if (live.batches < enough) throw new Error('nothing is counted any more');
}

/** The next midnight that begins neither a month nor a week, which have tests of their own. */
function plainMidnight(): number {
  for (let at = startOf(Date.now()) + DAY_MS; ; at += DAY_MS) {
    const day = new Date(at);
    if (day.getUTCDate() !== 1 && day.getUTCDay() !== 1) return at;
  }
}

for (const { name, lags, times } of [
  { name: 'to a replica in step', lags: false, times: 1 },
  { name: 'to a replica that lags', lags: true, times: 1 },
  { name: 'twice, to replicas that lag', lags: true, times: 2 },
]) {
  test(`Redis fails over ${name}: every answer is of one moment, by its as-of, and exact again`, async (t) => {
    const world = await testWorld(t);
    const { reader, link } = await testReader(t, world, world.store, REMEMBERS);
    const port = Number(new URL(world.redis.address).port);
    const midnightMs = plainMidnight();
    const begunMs = performance.now();
    let startMs = midnightMs - BEGINS_BEFORE_MIDNIGHT_MS;
    const clock = () => Math.floor(startMs + (performance.now() - begunMs) * SPEED);
    const live = new Live(world, clock);
    const readers = new Readers(live, reader, clock, true);
    let over = false;

    /** The promoted replica takes over the address, as when an operator moves a name. */
    const failOver = async (master: Node): Promise<Node> => {
      const replica = await replicaOf(t, master.redis, port);
      await counts(live, BATCHES);
      const { epochs } = live;
      // It is cut off from its master first, so it lacks whatever that one still acknowledges.
      if (lags) {
        await replica.redis.replicaof('NO', 'ONE');
        await counts(live, BATCHES);
      }
      const counted = await countedIn(master.redis);
      startMs += Math.max(0, midnightMs - DIES_BEFORE_MIDNIGHT_MS - clock());
      readers.mayBeOlder = true;
      let begin = () => {};
      if (lags) live.mayStart = new Promise<void>((resolve) => (begin = resolve));
      await master.engine.stop('SIGKILL');
      if (!lags) await replica.redis.replicaof('NO', 'ONE');
      const lost = counted - (await countedIn(replica.redis));
      await sleep(AWAY_MS);
      const { older } = readers;
      await replica.redis.config('SET', 'port', port);
      if (lags) {
        t.ok(lost > 0, `the promoted one lacked ${lost} events that had been counted`);
        const seen = await until(
          () => readers.older - older,
          (answers) => answers > READERS,
        );
        t.ok(seen > READERS, `${seen} answers were older ones before anybody counted on it`);
      }
      begin();
      await until(
        () => live.epochs,
        (now) => now > epochs,
      );
      t.ok(live.epochs > epochs, 'a new epoch was started');
      await counts(live, 1);
      readers.mayBeOlder = false;
      await counts(live, BATCHES);
      return replica;
    };

    const readOn = async () => {
      while (!over && readers.wrong.length === 0) await readers.read();
    };
    const disturb = async () => {
      try {
        let master: Node = { engine: world.redis, redis: world.admin };
        for (let time = 0; time < times; time++) master = await failOver(master);
        const pastMidnight = () => clock() > midnightMs + DIES_BEFORE_MIDNIGHT_MS;
        t.ok(await until(pastMidnight, Boolean), 'a day began meanwhile');
      } finally {
        over = true;
      }
    };
    await Promise.all([live.write(() => over), disturb(), ...Array.from({ length: READERS }, readOn)]);

    t.strictSame(readers.wrong, []);
    t.strictSame(
      [...readers.sources.keys()].sort(),
      ['counters', 'counters+mongo', 'mongo'],
      'by every path',
    );
    const ledger = await world.begin();
    for (const [userId, { given }] of live.users) {
      const nowMs = clock();
      const range = RANGES['whole days']!(nowMs);
      const answer = await until(
        () => reader.read(userId, range, nowMs),
        ({ source }) => source === 'counters',
      );
      const calls = given.map(({ call }) => call);
      t.strictSame(
        figuresOf(answer),
        figuresOf(dashboardOracle(calls, range, nowMs)),
        `${userId} afterwards`,
      );
      const { counters, rows } = await bothFilled(world, ledger, userId);
      t.strictSame(counters, rows, 'counters are rows');
      t.equal(callsIn(counters), given.length, 'of every call');
    }
    t.comment(`${live.calls} calls`, [...readers.sources].sort(), link.remembered);
  });
}
