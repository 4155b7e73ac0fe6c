import { randomInt } from 'node:crypto';
import { readGenerations } from '@calltally/counters';
import { type CallVersion, isDeleted } from '@calltally/domain';
import type { Document } from 'mongodb';
import { test } from 'tap';
import {
  auditUsers,
  type CallBatch,
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
  bound,
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
  log: { call: CallVersion }[][];
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

const KILLED = new Error('killed');

/** Does a random part of what recordBatch and writeCheckpoint do, from the beginning. */
async function dieWithin(ledger: LedgerContext, batch: CallBatch): Promise<void> {
  const { store, session } = ledger;
  const { topicEpoch, partition, through } = batch;
  /** Each call may be the last one, with or without its effect. */
  const mortal =
    <Given extends unknown[], T>(call: (...given: Given) => Promise<T>) =>
    async (...given: Given) => {
      if (Math.random() < 0.1) throw KILLED;
      const answer = await call(...given);
      if (Math.random() < 0.1) throw KILLED;
      return answer;
    };
  const { calls, corrections, progress } = store;
  const dying = {
    ...store,
    calls: bound(calls, {
      insert: mortal(async (rows) => {
        if (Math.random() < 0.8) return calls.insert(rows);
        await calls.insert(rows.slice(0, 1));
        throw KILLED;
      }),
    }),
    corrections: bound(corrections, {
      of: mortal((ids) => corrections.of(ids)),
      insert: mortal((rows) => corrections.insert(rows)),
    }),
    progress: bound(progress, { advanceStored: mortal((...to) => progress.advanceStored(...to)) }),
  };
  const runForUsers = mortal<Parameters<typeof session.runForUsers>, unknown[]>((...given) =>
    session.runForUsers(...given),
  );
  try {
    await recordBatch({ ...ledger, store: dying, session: bound(session, { runForUsers }) }, batch);
    if (Math.random() < 0.5)
      await writeCheckpoint(ledger, { partition: `${topicEpoch}:${partition}`, through });
  } catch (thrown) {
    if (thrown !== KILLED) throw thrown;
  }
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

const COLLECTIONS = ['calls', 'corrections', 'progress'] as const;

/** What Mongo held at some moment. Take it and put it back only while nobody works. */
interface Backup {
  calls: Document[];
  corrections: Document[];
  progress: Document[];
}

async function backUp({ db }: World): Promise<Backup> {
  const [calls, corrections, progress] = await Promise.all(
    COLLECTIONS.map((name) => db.collection(name).find({}).toArray()),
  );
  return { calls: calls!, corrections: corrections!, progress: progress! };
}

async function putBack({ db }: World, backup: Backup): Promise<void> {
  for (const name of COLLECTIONS) {
    await db.collection(name).deleteMany({});
    if (backup[name].length > 0) await db.collection(name).insertMany(backup[name]);
  }
}

test('random kills, zombies, duplicates on other partitions, replays, openings and fills, an emptied Redis and a Mongo put back: exact in the end', async (t) => {
  const world = await testWorld(t);
  for (let run = 0; run < RUNS; run++) {
    await Promise.all([
      world.admin.flushall(),
      ...COLLECTIONS.map((name) => world.db.collection(name).deleteMany({})),
    ]);
    const topic: Topic = { log: [[], []], committed: [0, 0] };
    const sent: CallVersion[] = [];
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
        const call = nextOf(sent);
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
      const highest = new Map<string, CallVersion>();
      for (const call of sent.filter((one) => one.userId === userId)) {
        const known = highest.get(call.callId);
        if (known === undefined || revisionOf(call) > revisionOf(known)) highest.set(call.callId, call);
      }
      t.equal(
        await world.db.collection('calls').countDocuments({ user_id: userId }),
        highest.size,
        `run ${run}: rows`,
      );
      const both = await bothFilled(world, ledger, userId);
      t.strictSame(both.counters, both.rows, `run ${run}: ${happened.join(', ')}`);
      const counted = [...highest.values()].filter((call) => !isDeleted(call));
      t.equal(callsIn(both.counters), counted.length, `run ${run}: ${happened.join(', ')}`);
      const durationMs = [...both.counters].reduce(
        (sum, [name, tally]) => (/^m:\d+$/.test(name) ? sum + tally.durationMs : sum),
        0,
      );
      t.equal(
        durationMs,
        counted.reduce((sum, call) => sum + call.durationMs!, 0),
        `run ${run}: ${happened.join(', ')}`,
      );
    }
    session.end('done');
  }
});

/** A new call; or one that was sent before, or a revision of its own that is higher than some and lower than others. */
function nextOf(sent: readonly CallVersion[]): CallVersion {
  const startedAt = Date.now() - randomInt(50) * DAY_MS;
  const chance = Math.random();
  const before = chance < 0.5 ? sent[randomInt(Math.max(1, sent.length))] : undefined;
  if (before === undefined) {
    return callOf(USERS[randomInt(USERS.length)]!, { startedAt, revision: 2 * randomInt(50) });
  }
  if (chance < 0.2) return before;
  const { callId, userId } = before;
  // No two versions of a call have the same revision: which of them counts is chance.
  const taken = new Set(sent.flatMap((one) => (one.callId === callId ? revisionOf(one) : [])));
  let revision = randomInt(1, 100);
  while (taken.has(revision)) revision += 1;
  if (chance < 0.28) return { callId, userId, revision, deleted: true };
  return { callId, userId, startedAt, durationMs: randomInt(100_000), revision };
}

function revisionOf({ revision = 0 }: CallVersion): number {
  return revision;
}

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
