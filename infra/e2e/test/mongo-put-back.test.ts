import { setTimeout as sleep } from 'node:timers/promises';
import { type Db, type Document, MongoClient } from 'mongodb';
import { test } from 'tap';
import { compareWithOracle, compareWithRows } from '../src/compare.ts';
import { caughtUp, warmUp } from '../src/endure.ts';
import { Flow, sendCalls, startWorld, type World } from '../src/world.ts';

const COLLECTIONS = ['calls', 'corrections', 'progress'];
/** Longer than ingest waits for a Mongo server. */
const AWAY_MS = 3_000;

type Backup = Map<string, Document[]>;

/** A backup of all collections. Nothing is being counted meanwhile. */
async function backUp(db: Db): Promise<Backup> {
  const all = COLLECTIONS.map(async (name) => [name, await db.collection(name).find({}).toArray()] as const);
  return new Map(await Promise.all(all));
}

async function putBack(db: Db, backup: Backup): Promise<void> {
  for (const [name, documents] of backup) {
    await db.collection(name).deleteMany({});
    await db.collection(name).insertMany(documents);
  }
}

test('a Mongo restored from an older backup is filled from the topic, and nothing is counted twice', async (t) => {
  const world = await startWorld(t, { users: 8, lines: ['mongo'] });
  const { platform, traffic, oracle } = world;
  const client = new MongoClient(platform.mongoUri);
  t.teardown(() => client.close());
  const db = client.db();
  const rows = () => db.collection('calls').countDocuments();
  const [ingest] = platform.ingests;
  await sendCalls(world, 400);
  await warmUp(world);
  const backup = await backUp(db);

  // The same events by several partitions: after the restore another one may become canonical, and corrections may be
  // numbered otherwise.
  const twice = traffic.events(60, Date.now());
  for (const event of twice) oracle.add(event);
  await platform.sendUnderKey('one', twice);
  await caughtUp(world);
  for (const key of ['another', 'a-third', 'a-fourth']) await platform.sendUnderKey(key, twice);
  await flowFor(world, 1_500);
  await caughtUp(world);

  const exact = async (t: { same(a: unknown, b: unknown, name: string): void }) => {
    await caughtUp(world);
    t.same(await compareWithOracle(world), [], 'every number equals the oracle');
    t.same(await compareWithRows(world), [], 'the counters equal the rows');
    t.same(await rows(), oracle.size, 'every call has its row again');
  };

  await t.test('while ingest is stopped', async (t) => {
    await ingest!.end('SIGTERM');
    await putBack(db, backup);
    t.ok((await rows()) < oracle.size, 'rows are gone');
    await ingest!.start();
    await exact(t);
  });

  await t.test('while ingest runs and has nothing to count', async (t) => {
    await putBack(db, backup);
    await untilSaid(world, /Mongo has partition \d+ only below/);
    await exact(t);
  });

  await t.test('while Mongo is unavailable and events wait', async (t) => {
    const flow = new Flow(world);
    flow.start();
    await sleep(1_000);
    platform.line('mongo').cut();
    await sleep(AWAY_MS);
    await putBack(db, backup);
    t.ok((await rows()) < oracle.size, 'rows are gone');
    platform.line('mongo').heal();
    await sleep(1_000);
    await flow.stop();
    await exact(t);
  });
});

async function flowFor(world: World, ms: number): Promise<void> {
  const flow = new Flow(world);
  flow.start();
  await sleep(ms);
  await flow.stop();
}

async function untilSaid({ platform }: World, said: RegExp): Promise<void> {
  for (let i = 0; i < 600 && !said.test(platform.ingests[0]!.log); i++) await sleep(100);
}
