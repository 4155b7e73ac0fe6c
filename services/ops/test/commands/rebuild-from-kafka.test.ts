import { decodeCallEvent } from '@calltally/contract';
import { readGenerations } from '@calltally/counters';
import { dayOf, monthOf } from '@calltally/domain';
import { toRow } from '@calltally/store';
import { test } from 'tap';
import { type CountedTopic, countedTopic, eventsOf } from '../counted-topic.ts';
import { calltally } from '../support.ts';

const FROM_KAFKA = ['rebuild', '--from', 'kafka'];
const month = monthOf(dayOf(Date.now()));
const users = Array.from({ length: 10 }, (_, i) => `u-${i}`);

/** Makes a user's counters wrong. */
async function spoil(ledger: Awaited<ReturnType<CountedTopic['begin']>>, userId: string): Promise<void> {
  await ledger.session.masters[0]!.redis.hincrby(`ct2:{${userId}}:m:${month}`, 'c', 1_000);
}

test('rebuild --from kafka', async (t) => {
  const world = await countedTopic(t);

  await t.test('before anything was counted it says that ingest comes first', async (t) => {
    t.equal(JSON.parse((await world.json(...FROM_KAFKA)).err).error.code, 'COUNTERS_UNKNOWN');
  });

  await t.test('a command line that cannot be meant is refused with 2', async (t) => {
    const wrong = [['--user', 'u'], ['--restart'], ['--concurrency', '2']].map((more) => [
      ...FROM_KAFKA,
      ...more,
    ]);
    for (const args of [...wrong, ['rebuild', '--from', 'mongo']]) {
      t.equal((await world.run(...args)).status, 2, args.join(' '));
    }
  });

  const ledger = await world.begin();
  await world.publishRaw(0, '{"broken":');
  await world.count(ledger, eventsOf(users, 400));

  await t.test('counters become what the topic says, whatever they were', async (t) => {
    await spoil(ledger, users[3]!);
    const said = await world.json(...FROM_KAFKA);
    t.equal(said.status, 0, said.err);
    t.match(said.lines[0], { event: 'start', partitions: 3, offsets: 401 });
    const end = {
      users: 10,
      calls: 400,
      failed: 0,
      drifted: 0,
      differences: 0,
      complete: true,
      seconds: Number,
    };
    t.match(said.lines.at(-1), { event: 'end', ...end });
    for (const user of users) t.equal(await world.countedOf(user), 40);
    const verified = await world.json('verify', '--all');
    t.match(verified.lines.at(-1), { users: 10, cold: 0, drifted: 0 });
    const text = await world.run(...FROM_KAFKA);
    t.match(
      text.out,
      /^10 users, 400 calls from the topic: 0 users differ from Mongo in 0 buckets, \S+ s\n$/,
    );
  });

  await t.test('asked to stop, it says so with 130, and changes nothing more', async (t) => {
    const stopping = new AbortController();
    stopping.abort();
    const stopped = await calltally([...FROM_KAFKA, '--json'], { env: world.env, signal: stopping.signal });
    t.equal(stopped.status, 130);
    t.match(JSON.parse(stopped.out.trim().split('\n').at(-1)!), { event: 'end', complete: false });
    t.equal((await world.json(...FROM_KAFKA)).status, 0);
  });
});

test('where Mongo says otherwise, the topic is believed and every difference is told', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  const { store } = world;
  await world.count(ledger, eventsOf(users, 100));

  // Rows that Mongo lost, one of a user with no other, and a row that became another one.
  const lost = eventsOf([users[0]!, 'u-lost'], 2);
  await world.count(ledger, lost, { lost: new Set(lost.map(({ call_id }) => call_id)) });
  const [changed] = eventsOf([users[1]!], 1);
  const [{ partition, offset }] = (await world.publish([changed!])) as [
    { partition: number; offset: string },
  ];
  const { call } = decodeCallEvent(Buffer.from(JSON.stringify(changed)), Date.now());
  await store.calls.insert([
    toRow({ ...call!, durationMs: 1 }, { stream: 0, partition, offset: Number(offset) }),
  ]);
  await store.progress.advanceStored(0, partition, Number(offset));
  // And one that came by no event.
  const [place] = await world.publishRaw(0, 'no call');
  const phantom = toRow(
    { ...call!, callId: 'c-phantom', userId: 'u-phantom' },
    { stream: 0, partition: 0, offset: Number(place!.baseOffset) },
  );
  await store.calls.insert([phantom]);
  await store.progress.advanceStored(0, 0, phantom.source.offset);

  const said = await world.json(...FROM_KAFKA);
  t.equal(said.status, 1);
  t.match(said.lines.at(-1), { event: 'end', users: 11, calls: 103, failed: 0, drifted: 4, complete: true });
  const differences = said.lines.filter(({ event }) => event === 'difference');
  const told = (userId: string) => differences.filter(({ user_id }) => user_id === userId);
  const ofMonth = (userId: string) => told(userId).find(({ bucket }) => bucket.startsWith('month'));
  t.strictSame(ofMonth(users[0]!).has.calls - ofMonth(users[0]!).should_have.calls, 1);
  t.match(ofMonth('u-lost'), { has: { calls: 1 }, should_have: { calls: 0 } });
  t.strictSame(ofMonth(users[1]!).has.duration_ms - ofMonth(users[1]!).should_have.duration_ms, 59_999);
  t.strictSame(told('u-phantom'), [
    {
      event: 'difference',
      user_id: 'u-phantom',
      bucket: 'topic',
      has: { calls: 0 },
      should_have: { calls: 1 },
    },
  ]);
  t.strictSame(
    new Set(differences.map(({ user_id }) => user_id)),
    new Set([users[0], users[1], 'u-lost', 'u-phantom']),
  );
  t.equal(await world.countedOf(users[0]!), 11, 'counters say what the topic says');
  t.equal(await world.countedOf('u-lost'), 1);
  t.equal(await world.countedOf('u-phantom'), undefined, 'and nothing of whom it does not know');

  const text = await world.run(...FROM_KAFKA);
  t.equal(text.status, 1);
  t.match(text.out, /^u-phantom: topic: has 0 calls; should have 1 calls$/m);
  t.match(text.err, /`calltally replay --from earliest` brings back rows that Mongo lost/);
  t.match((await world.json('replay', '--from', 'earliest')).lines.at(-1), { restored: 2 });
  t.match((await world.json('rebuild', '--all')).lines.at(-1), { drifted: 1, cold: 1, failed: 0 });
  t.match((await world.json('verify', '--all')).lines.at(-1), { users: 12, drifted: 0, cold: 0 });
});

test('more users than are done at once', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  const many = Array.from({ length: 450 }, (_, i) => `u-${i}`);
  await world.count(ledger, eventsOf(many, 900));
  await Promise.all(many.map((userId) => spoil(ledger, userId)));
  const said = await world.json(...FROM_KAFKA);
  t.equal(said.status, 0, said.err);
  t.match(said.lines.at(-1), { users: 450, calls: 900, failed: 0, drifted: 0 });
  t.match((await world.json('verify', '--all')).lines.at(-1), { users: 450, drifted: 0, cold: 0 });
});

test('a topic that does not hold everything is no witness, and nothing is thrown away for it', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  await world.count(ledger, eventsOf(users, 60));
  await spoil(ledger, users[3]!);
  const before = await world.countedOf(users[3]!);
  const refused = async (code: string, message: RegExp) => {
    const { status, err } = await world.json(...FROM_KAFKA);
    t.equal(status, 1);
    t.match(JSON.parse(err).error, { code, message });
    t.equal(await world.countedOf(users[3]!), before, 'counters are what they were');
    const [generation] = [...(await readGenerations(ledger.session)).values()];
    t.equal(generation!.id, [...ledger.generations.values()][0]!.id);
  };
  const { topic, admin, store } = world;
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '7' }] });
  await refused('TOPIC_INCOMPLETE', /partition 1 has lost 7 offsets,.*rebuild --all/);
  await store.progress.beginStream(0);
  await refused(
    'TOPIC_INCOMPLETE',
    /stream 1 is counted, and calls of the topic before it are only in Mongo/,
  );
  await store.progress.advanceStored(1, 2, 1e6);
  await refused('TOPIC_MADE_ANEW', /partition 2 ends at/);
});
