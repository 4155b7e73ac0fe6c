import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { uniqueName } from '@calltally/stack/testing';
import { test } from 'tap';
import type { Replayed } from '../../src/replay/run.ts';
import { type CountedTopic, countedTopic, eventsOf, rowsOf } from '../counted-topic.ts';
import { jsonLines } from '../counted-users.ts';
import { calltally } from '../support.ts';

const end = ({ lines }: Awaited<ReturnType<CountedTopic['json']>>) => lines.at(-1);

test('replay', async (t) => {
  const world = await countedTopic(t);
  const users = Array.from({ length: 10 }, (_, i) => `u-${i}`);

  await t.test('before anything was counted it says that ingest comes first', async (t) => {
    const { status, err } = await world.json('replay', '--from', 'earliest');
    t.equal(status, 1);
    t.equal(JSON.parse(err).error.code, 'COUNTERS_UNKNOWN');
  });

  const ledger = await world.begin();
  const events = eventsOf(users, 400);
  await world.count(ledger, events);

  await t.test('of what is counted it changes nothing, however often', async (t) => {
    for (let i = 0; i < 2; i++) {
      const said = await world.json('replay', '--from', 'earliest');
      t.equal(said.status, 0, said.err);
      t.match(end(said), { event: 'end', read: 400, restored: 0, already: 400, rejected: 0, complete: true });
    }
    for (const user of users) {
      t.equal(await world.countedOf(user), 40);
      t.equal(await rowsOf(world.store, user), 40);
    }
    const text = await world.run('replay', '--from', 'earliest');
    t.match(text.out, /^400 read, 0 restored, 400 already there in [\d.]+ s$/m);
  });

  await t.test('rows that Mongo lost come back, and whose they are is counted whole', async (t) => {
    const more = eventsOf(users, 80);
    const lost = new Set(more.slice(0, 10).map(({ call_id }) => call_id));
    await world.count(ledger, more, { lost });
    const said = await world.json('replay', '--from', 'earliest');
    t.match(end(said), { read: 480, restored: 10, already: 470 });
    await world.fill();
    for (const user of users) {
      t.equal(await rowsOf(world.store, user), 48);
      t.equal(await world.countedOf(user), 48);
    }
  });

  await t.test('it never goes beyond what is stored, and says so', async (t) => {
    const before = await world.store.progress.storedThrough();
    await world.publish(eventsOf(users, 90));
    const said = await world.json('replay', '--from', '0', '--to', '100000');
    t.equal(said.status, 0);
    t.match(end(said), { read: 480, restored: 0 });
    t.strictSame(await world.store.progress.storedThrough(), before);
    const [plan] = said.lines;
    t.ok(plan.partitions.some(({ not_stored }: { not_stored?: unknown }) => not_stored !== undefined));
    const waiting = plan.partitions.find(({ not_stored }: { not_stored?: unknown }) => not_stored);
    const beyond = waiting.not_stored.from;
    const text = await world.run('replay', '--from', '0', '--to', `${beyond + 1}`);
    t.match(text.out, /^\d+ read/m);
    t.match(text.err, new RegExp(`offsets ${beyond} to ${beyond} are not stored yet; ingest counts them`));
  });

  await t.test('times, offsets and partitions choose what is read', async (t) => {
    const stored = await world.store.progress.storedThrough();
    const through = stored.get('0:1')!;
    t.match(end(await world.json('replay', '--from', `1:${through - 4}`)), { read: 5 });
    const inTwo = [0, 2].reduce((sum, one) => sum + Math.min(3, (stored.get(`0:${one}`) ?? -1) + 1), 0);
    const two = await world.json('replay', '--from', '0', '--to', '3', '--partition', '0', '2');
    t.match(end(two), { read: inTwo });
    t.match(end(await world.json('replay', '--from', '2000-01-01')), { read: 480 });
    const twice = await world.json('replay', '--from', `1:${through - 4}`, '--partition', '1', '1');
    t.match(end(twice), { read: 5 }, 'a partition named twice is read once');
    for (const args of [
      ['--from', '2100-01-01T00:00:00+02:00'],
      ['--from', 'earliest', '--to', '2000-01-01'],
      ['--from', '90000'],
      ['--from', '90000', '--to', '100000'],
      ['--from', '0', '--to', '2000-01-01'],
      ['--from', '2000-01-01', '--to', '0'],
      ['--from', '0:0', '--partition', '1'],
    ]) {
      const { status, err } = await world.json('replay', ...args);
      t.equal(status, 1, args.join(' '));
      t.equal(JSON.parse(err).error.code, 'RANGE_EMPTY', args.join(' '));
    }
    for (const args of [
      ['--from', 'earliest', '--partition', '9'],
      ['--from', '9:0'],
      ['--from', '0', '--to', '9:5'],
    ]) {
      const unknown = await world.json('replay', ...args);
      t.equal(JSON.parse(unknown.err).error.code, 'PARTITION_UNKNOWN');
    }
    for (const args of [
      ['--from', '2026-03-02', '--to', '2026-03-01'],
      ['--from', '2026-03-02', '--to', '2026-03-02'],
      ['--from', '20', '--to', '10'],
      ['--from', '0:20', '--to', '0:10'],
      ['--from', '0:5,1:9', '--to', '8'],
      ['--from', '0:5,0:9'],
      ['--from', 'soon'],
      [],
      ['--new-stream', '--from', '0'],
      ['--from', '0', '--partition', 'x'],
    ]) {
      t.equal((await world.run('replay', ...args)).status, 2, args.join(' '));
    }
  });

  await t.test('what is no call is skipped: it is a dead letter already', async (t) => {
    const stored = await world.store.progress.storedThrough();
    const [place] = await world.publishRaw(0, '{"broken":');
    const offset = Number(place!.baseOffset);
    await world.store.progress.advanceStored(0, 0, offset);
    t.match(end(await world.json('replay', '--from', `0:${offset}`)), { read: 1, rejected: 1, restored: 0 });
    t.ok(offset > stored.get('0:0')!);
  });

  await t.test('what retention removed is named, and the exit status says so', async (t) => {
    await world.admin.deleteTopicRecords({ topic: world.topic, partitions: [{ partition: 1, offset: '7' }] });
    const said = await world.json('replay', '--from', '1:3');
    t.equal(said.status, 1);
    t.strictSame(said.lines[0].partitions[0].gone, { from: 3, until: 7, surely: true });
    const text = await world.run('replay', '--from', '0');
    t.equal(text.status, 1);
    t.match(text.err, /^partition 1: the topic no longer holds offsets 3 to 6$|^partition 1: .* 0 to 6$/m);
    const timed = await world.run('replay', '--from', '2000-01-01');
    t.equal(timed.status, 1);
    t.match(timed.err, /partition 1: .* below 7; some may be of 2000-01-01 or later/);
    t.equal((await world.run('replay', '--from', 'earliest')).status, 0, 'all there is was asked for');
  });

  await t.test('a recreated topic is no longer the one that was stored', async (t) => {
    await world.store.progress.advanceStored(0, 2, 1e6);
    const said = await world.json('replay', '--from', 'earliest');
    t.equal(JSON.parse(said.err).error.code, 'TOPIC_MADE_ANEW');
    t.equal((await world.json('replay', '--from', 'earliest', '--partition', '0', '1')).status, 0);
  });
});

test('retention that removes events while a replay runs: they are named, and the exit status says so', async (t) => {
  const world = await countedTopic(t);
  await world.begin();
  // So large that a fetch holds a part of them.
  const notes = 'x'.repeat(40_000);
  for (const event of eventsOf(['u-1'], 200)) {
    await world.publishRaw(0, JSON.stringify({ ...event, notes }));
  }
  await world.store.progress.advanceStored(0, 0, 199);
  /** Removes what lies below an offset once the plan is made. */
  const replayed = async (before: number, ...args: string[]) => {
    let removed: Promise<unknown> | undefined;
    const onText = () => {
      const partitions = [{ partition: 0, offset: String(before) }];
      removed ??= world.admin.deleteTopicRecords({ topic: world.topic, partitions });
    };
    const ran = await calltally(['replay', '--from', '0:0', ...args], { env: world.env, onText });
    await removed;
    return ran;
  };

  await t.test('a part of what it reads', async (t) => {
    const { status, out } = await replayed(150, '--json');
    const [plan, ...more] = jsonLines(out);
    t.match(plan, { offsets: 200 });
    const { gone, read, restored, complete } = more.at(-1) as unknown as Replayed;
    t.equal(status, 1);
    t.equal(complete, true);
    t.match(gone, [{ partition: 0, until: 150 }]);
    t.equal(gone.length, 1);
    t.equal(read, gone[0]!.from + 50, 'all others were read');
    t.equal(restored, read);
  });

  await t.test('all that it has not read yet', async (t) => {
    const { status, out, err } = await replayed(200, '--to', '0:300');
    t.equal(status, 1);
    const [, from] = /^partition 0: offsets (\d+) to 199 expired before/m.exec(err) ?? [];
    t.match(out, `${Number(from) - 150} read`);
  });
});

test('a replay goes on where it was when its session with Redis is cut', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  const users = Array.from({ length: 50 }, (_, i) => `u-${i}`);
  const events = eventsOf(users, 12_000);
  const lost = new Set(events.slice(6_000).map(({ call_id }) => call_id));
  await world.count(ledger, events, { lost });
  let over = false;
  const replayed = world.json('replay', '--from', 'earliest').finally(() => {
    over = true;
  });
  let cuts = 0;
  for (; !over && cuts < 40; cuts++) {
    await redis(world.redis.address, 'CLIENT KILL TYPE normal');
    await sleep(60);
  }
  const said = await replayed;
  t.equal(said.status, 0, said.err);
  t.match(end(said), { read: 12_000, complete: true });
  await world.fill();
  for (const user of users) {
    t.equal(await rowsOf(world.store, user), 240);
    t.equal(await world.countedOf(user), 240);
  }
  t.comment(`${cuts} cuts`);
});

test('Mongo behind what Redis counts is left to ingest, which knows what to do', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  await world.count(ledger, eventsOf(['u-1'], 20));
  const other = new URL(world.env.MONGODB_URI);
  other.pathname = `/${uniqueName('ops')}`;
  const { run } = world;
  world.env.MONGODB_URI = other.href;
  const { status, err } = await run('replay', '--from', 'earliest', '--json');
  t.equal(status, 1);
  t.equal(JSON.parse(err).error.code, 'MONGO_BEHIND');
});

test('a new stream is begun once it is confirmed', async (t) => {
  const world = await countedTopic(t);
  const ledger = await world.begin();
  await world.count(ledger, eventsOf(['u-1', 'u-2'], 60));
  const asked = await world.run('replay', '--new-stream');
  t.equal(asked.status, 1);
  t.match(asked.out, /does not look as if it was recreated/);
  t.match(asked.err, /CONFIRMATION_MISSING/);
  t.equal(await world.store.progress.currentStream(), 0);

  const begun = await world.json('replay', '--new-stream', '--yes');
  t.equal(begun.status, 0, begun.err);
  t.match(begun.lines[0], { stream: 1, previous: 0, topic: world.topic });
  t.equal(begun.lines[0].partitions.length, 3);
  t.equal(await world.store.progress.currentStream(), 1);
  t.equal(await world.store.progress.asOf(), undefined, 'as-of waits for every partition of it');
});

async function redis(address: string, command: string): Promise<void> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname, () => socket.write(`${command}\r\n`));
  socket.on('error', () => {});
  await once(socket, 'data');
  socket.destroy();
}
