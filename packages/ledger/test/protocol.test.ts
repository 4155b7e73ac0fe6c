import { randomInt } from 'node:crypto';
import { applyEvents, readGenerations } from '@calltally/counters';
import type { Call } from '@calltally/domain';
import { isCanonical, toRow } from '@calltally/store';
import type { Document } from 'mongodb';
import { test } from 'tap';
import {
  auditUsers,
  fillPieces,
  type LedgerContext,
  PieceReader,
  recordBatch,
  reopen,
  startEpoch,
  writeCheckpoint,
} from '../src/index.ts';
import {
  batchOf,
  bothFilled,
  callOf,
  callsIn,
  DAY_MS,
  RETENTION_MONTHS,
  testWorld,
  type World,
} from './support.ts';

const PARTITIONS = 2;
const USERS = ['u-a', 'u-b', 'u-c'];
const RUNS = 40;
const STEPS = 60;

/** A topic, as far as the protocol uses it. */
interface Topic {
  log: { call: Call }[][];
  committed: number[];
}

/** A consumer of one partition, until it is cut off or has read everything. */
async function consume(world: World, topic: Topic, partition: number, alive: () => boolean): Promise<void> {
  const session = await world.open();
  try {
    const states = topic.log.map((log, p) => ({
      partition: p,
      committed: topic.committed[p]!,
      earliest: 0,
      end: Number.MAX_SAFE_INTEGER - log.length,
    }));
    const { ledger, starts } = await startEpoch(world.store, session, {
      topicEpoch: 0,
      partitions: states,
      retentionMonths: RETENTION_MONTHS,
    });
    const start = starts[partition]!;
    if (start.kind !== 'at') throw new Error('refused');
    let position = start.offset;
    while (alive() && position < topic.log[partition]!.length) {
      const until = Math.min(topic.log[partition]!.length, position + randomInt(1, 5));
      const events = topic.log[partition]!.slice(position, until).map(({ call }, i) => ({
        offset: position + i,
        call,
      }));
      const batch = batchOf(partition, events);
      if (Math.random() < 0.2) return await dieWithin(ledger, batch);
      await recordBatch(ledger, { ...batch, again: batch.through <= start.storedThrough });
      if (!alive()) return;
      await writeCheckpoint(ledger, { partition: `0:${partition}`, through: until - 1 });
      // The commit of a zombie may go back.
      if (Math.random() < 0.9) topic.committed[partition] = Math.max(topic.committed[partition]!, until);
      else topic.committed[partition] = until;
      position = until;
    }
  } catch (thrown) {
    const code = (thrown as { code?: string }).code ?? '';
    if (!code.startsWith('COUNTERS_') && !code.startsWith('LEDGER_')) throw thrown;
  } finally {
    session.end('consumer is gone');
  }
}

/** Does a random part of what recordBatch and writeCheckpoint do, from the beginning. */
async function dieWithin(
  { store, session, generations }: LedgerContext,
  batch: ReturnType<typeof batchOf>,
): Promise<void> {
  const { topicEpoch, partition, events, through } = batch;
  const dies = () => Math.random() < 0.3;
  if (dies()) return;
  const rows = events.map(({ offset, call }) => toRow(call, { stream: topicEpoch, partition, offset }));
  if (Math.random() < 0.3) return void (await store.calls.insert(rows.slice(0, 1)));
  const outcomes = await store.calls.insert(rows);
  if (dies()) return;
  await store.progress.advanceStored(topicEpoch, partition, through);
  if (dies()) return;
  let whole = true;
  for (const userId of USERS) {
    const own = events.filter(({ call }, i) => call.userId === userId && isCanonical(outcomes[i]!));
    if (own.length === 0) continue;
    const counted = own.map(({ offset, call }) => ({
      offset,
      startedAt: call.startedAt,
      durationMs: call.durationMs,
    }));
    const [applied] = await applyEvents(session, generations, `${topicEpoch}:${partition}`, [
      { userId, events: counted },
    ]);
    if (applied === 'unknown') whole = false;
    if (dies()) return;
  }
  if (whole)
    await writeCheckpoint({ session, generations }, { partition: `${topicEpoch}:${partition}`, through });
}

/** Reopens some users, or fills a few pieces of users that anybody opened. */
async function fill(world: World): Promise<void> {
  const session = await world.open();
  try {
    const ledger = { store: world.store, session, generations: await readGenerations(session) };
    if (ledger.generations.size === 0) return;
    if (Math.random() < 0.3) await reopen(ledger, USERS);
    const pieces = new PieceReader(world.store.tallies, {
      wholeTimeoutMs: randomInt(2) * 1_000,
      rowsWanted: randomInt(1, 20),
      firstSpanMs: randomInt(1, 40) * DAY_MS,
    });
    let left = USERS;
    for (let times = randomInt(6); times > 0 && left.length > 0; times--) {
      ({ left } = await fillPieces(ledger, pieces, left));
    }
  } catch (thrown) {
    if (!(thrown as { code?: string }).code?.startsWith('COUNTERS_')) throw thrown;
  } finally {
    session.end('done');
  }
}

/** What Mongo held at some moment. Take it and put it back only while nobody works. */
interface Backup {
  calls: Document[];
  progress: Document[];
}

async function backUp({ db }: World): Promise<Backup> {
  const [calls, progress] = await Promise.all([
    db.collection('calls').find({}).toArray(),
    db.collection('progress').find({}).toArray(),
  ]);
  return { calls, progress };
}

async function putBack({ db }: World, backup: Backup): Promise<void> {
  for (const name of ['calls', 'progress'] as const) {
    await db.collection(name).deleteMany({});
    if (backup[name].length > 0) await db.collection(name).insertMany(backup[name]);
  }
}

test('random kills, zombies, duplicates on other partitions, replays, openings and fills, an emptied Redis and a Mongo put back: exact in the end', async (t) => {
  const world = await testWorld(t);
  for (let run = 0; run < RUNS; run++) {
    await Promise.all([
      world.admin.flushall(),
      world.db.collection('calls').deleteMany({}),
      world.db.collection('progress').deleteMany({}),
    ]);
    const topic: Topic = { log: [[], []], committed: [0, 0] };
    const sent: Call[] = [];
    const working = new Set<Promise<void>>();
    const happened: string[] = [];
    let epoch = 0;
    let backup: Backup | undefined;
    const start = (work: Promise<void>) => {
      const one = work.finally(() => working.delete(one));
      working.add(one);
    };
    for (let step = 0; step < STEPS; step++) {
      const chance = Math.random();
      if (chance < 0.45) {
        const again = sent.length > 0 && Math.random() < 0.25;
        const call = again
          ? sent[randomInt(sent.length)]!
          : callOf(USERS[randomInt(USERS.length)]!, { startedAt: Date.now() - randomInt(50) * DAY_MS });
        sent.push(call);
        topic.log[randomInt(PARTITIONS)]!.push({ call });
      } else if (chance < 0.7 && working.size < 5) {
        const partition = randomInt(PARTITIONS);
        const begun = epoch;
        const zombie = Math.random() < 0.3;
        happened.push(`consumer ${partition}${zombie ? ' (zombie)' : ''}`);
        start(consume(world, topic, partition, () => zombie || epoch === begun));
      } else if (chance < 0.75) {
        epoch += 1;
        happened.push('kill');
      } else if (chance < 0.79) {
        happened.push('FLUSHALL');
        await world.admin.flushall();
      } else if (chance < 0.82) {
        happened.push('replay');
        topic.committed[randomInt(PARTITIONS)] = 0;
      } else if (chance < 0.9) {
        happened.push('fill');
        start(fill(world));
      } else if (chance < 0.92) {
        await Promise.all(working);
        backup = await backUp(world);
      } else if (chance < 0.94 && backup !== undefined) {
        happened.push('Mongo put back');
        await Promise.all(working);
        // What was applied has its checkpoint, too: only checkpoints tell that Redis counts more than the backup has.
        for (let partition = 0; partition < PARTITIONS; partition++)
          await consumeAll(world, topic, partition);
        await putBack(world, backup);
      } else {
        await new Promise((resolve) => setTimeout(resolve, randomInt(6)));
      }
    }
    await Promise.all(working);
    for (let round = 0; round < 3; round++) {
      for (let partition = 0; partition < PARTITIONS; partition++) await consumeAll(world, topic, partition);
    }

    const session = await world.open();
    const ledger: LedgerContext = {
      store: world.store,
      session,
      generations: await readGenerations(session),
    };
    t.match(await auditUsers(ledger, USERS), { differences: [] }, `run ${run}: ${happened.join(', ')}`);
    for (const userId of USERS) {
      const calls = new Set(sent.filter((call) => call.userId === userId).map(({ callId }) => callId)).size;
      t.equal(
        await world.db.collection('calls').countDocuments({ user_id: userId }),
        calls,
        `run ${run}: rows`,
      );
      const both = await bothFilled(world, ledger, userId);
      t.strictSame(both.counters, both.rows, `run ${run}: ${happened.join(', ')}`);
      t.equal(callsIn(both.counters), calls, `run ${run}: ${happened.join(', ')}`);
    }
    session.end('done');
  }
});

/** Without accidents. */
async function consumeAll(world: World, topic: Topic, partition: number): Promise<void> {
  const session = await world.open();
  const states = topic.log.map((log, p) => ({
    partition: p,
    committed: topic.committed[p]!,
    earliest: 0,
    end: Number.MAX_SAFE_INTEGER - log.length,
  }));
  const { ledger, starts } = await startEpoch(world.store, session, {
    topicEpoch: 0,
    partitions: states,
    retentionMonths: RETENTION_MONTHS,
  });
  const start = starts[partition]!;
  const from = start.kind === 'at' ? start.offset : Number.NaN;
  const events = topic.log[partition]!.slice(from).map(({ call }, i) => ({ offset: from + i, call }));
  if (events.length > 0) {
    const batch = batchOf(partition, events);
    await recordBatch(ledger, batch);
    await writeCheckpoint(ledger, { partition: `0:${partition}`, through: batch.through });
    topic.committed[partition] = batch.through + 1;
  }
  session.end('done');
}
