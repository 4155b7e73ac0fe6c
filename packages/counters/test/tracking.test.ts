import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { dayOf, monthOf } from '@calltally/domain';
import type { Engine } from '@calltally/stack';
import { testRedis, until } from '@calltally/stack/testing';
import { type Test, test } from 'tap';
import {
  applyEvents,
  type CounterSession,
  ensureGenerations,
  type Generations,
  readBuckets,
  readSegments,
  readWindowSums,
  rememberedBy,
} from '../src/index.ts';
import { userKey } from '../src/keys.ts';
import { type Counters, opened, RETENTION_MONTHS, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2026, 5, 15, 12);
const REMEMBERS = { rememberedBytesMax: 10 * 1024 * 1024 };
const MONTHS = Array.from({ length: 12 }, (_, i) => ({
  kind: 'month' as const,
  month: monthOf(dayOf(NOW)) - i,
}));

/** A reader that remembers, and what it reads of a user by each script. */
async function testReading(counters: Counters, settings: object = {}) {
  const session = await counters.open({ ...REMEMBERS, ...settings });
  const generations = await ensureGenerations(session, {
    retentionMonths: RETENTION_MONTHS,
    through: new Map([['0:0', -1]]),
  });
  const calls = async (userId: string) => {
    const sums = await readWindowSums(session, generations, userId, NOW);
    return sums?.window.calls;
  };
  const callsOfMonths = async (userId: string) => {
    const found = await readBuckets(session, generations, userId, NOW, MONTHS);
    return found?.range.calls;
  };
  const callsBySegment = async (userId: string) => {
    const found = await readSegments(session, generations, userId, NOW, MONTHS);
    return found?.values.flat().reduce((sum, { calls }) => sum + calls, 0);
  };
  /** As the API does, five times a second. */
  const believe = () => session.believe(session.masters);
  await believe();
  return { session, generations, believe, calls, callsOfMonths, callsBySegment };
}

let next = 0;

/** Counts one more call of a user. */
async function count(
  { session, generations }: { session: CounterSession; generations: Generations },
  userId: string,
) {
  const events = [{ offset: next++, startedAt: NOW, durationMs: 1_000 }];
  return applyEvents(session, generations, '0:0', [{ userId, events }]);
}

async function scriptsRun({ admin }: Counters): Promise<number> {
  const info = await admin.info('commandstats');
  return Number(/cmdstat_evalsha:calls=(\d+)/.exec(info)?.[1] ?? 0);
}

test('a reading is remembered, until Redis tells that the user has changed', async (t) => {
  const counters = await testCounters(t);
  const { admin } = counters;
  await warm(counters, ['u-1', 'u-2'], NOW);
  await count(counters, 'u-1');
  const reader = await testReading(counters);
  const { session, generations, believe } = reader;
  const readings = [reader.calls, reader.callsOfMonths, reader.callsBySegment];
  // The first reading of a day writes the window sums, which is a change.
  await readBuckets(session, generations, 'u-1', NOW, []);
  const read = async () => {
    await believe();
    return Promise.all(readings.map((calls) => calls('u-1')));
  };

  t.strictSame(await read(), [1, 1, 1]);
  const before = await scriptsRun(counters);
  for (let again = 0; again < 10; again++) t.strictSame(await read(), [1, 1, 1]);
  t.equal(await scriptsRun(counters), before, 'nothing is asked');
  t.match(rememberedBy(session), { hits: 30, untracked: 0 });

  await t.test('counted since', async (t) => {
    await count(counters, 'u-1');
    t.strictSame(await read(), [2, 2, 2]);
    await count(counters, 'u-2');
    const run = await scriptsRun(counters);
    t.strictSame(await read(), [2, 2, 2]);
    t.equal(await scriptsRun(counters), run, 'another user does not matter');
  });

  await t.test('another generation', async (t) => {
    const [[master, own]] = [...generations] as [[(typeof session.masters)[0], object]];
    const other = new Map([[master, { ...own, id: 'another' }]]) as Generations;
    t.equal(await readWindowSums(session, other, 'u-1', NOW), undefined);
    t.equal(await readBuckets(session, other, 'u-1', NOW, MONTHS), undefined);
  });

  await t.test('another UTC day', async (t) => {
    const tomorrow = NOW + 86_400_000;
    t.equal(await readWindowSums(session, generations, 'u-1', tomorrow), undefined);
    t.match(await readBuckets(session, generations, 'u-1', tomorrow, MONTHS), { today: 0 });
    await believe();
    t.equal((await readWindowSums(session, generations, 'u-1', tomorrow))?.window.calls, 2);
    t.equal(await reader.calls('u-1'), undefined, 'and back: these sums are of tomorrow');
    await readBuckets(session, generations, 'u-1', NOW, []);
    t.strictSame(await read(), [2, 2, 2]);
  });

  for (const [what, change] of [
    ['forgotten', () => admin.del(userKey('u-1'))],
    ['expired', () => admin.pexpire(userKey('u-1'), 1)],
    ['all of Redis emptied', () => admin.flushall()],
  ] as const) {
    await t.test(what, async (t) => {
      await opened(counters, ['u-1'], NOW);
      await warm(counters, ['u-1'], NOW);
      await readBuckets(session, generations, 'u-1', NOW, []);
      t.strictSame(await read(), [0, 0, 0]);
      await change();
      await sleep(50);
      // What expires is only noticed when somebody looks at it, or by chance.
      await admin.exists(userKey('u-1'));
      t.strictSame(await read(), [undefined, undefined, undefined]);
    });
  }
});

test('whoever reads while others count reads nothing that is older than what was confirmed', async (t) => {
  const counters = await testCounters(t);
  const users = Array.from({ length: 20 }, (_, i) => `u-${i}`);
  await warm(counters, users, NOW);
  const { session, generations, believe, calls, callsOfMonths } = await testReading(counters);
  for (const userId of users) await readBuckets(session, generations, userId, NOW, []);
  /** Acknowledged, begun, and confirmed to the reader. */
  const done = new Map(users.map((user) => [user, 0]));
  const begun = new Map(done);
  let confirmed = new Map(done);
  let over = false;
  const wrong: unknown[] = [];
  const write = async (some: readonly string[]) => {
    for (let i = 0; !over; i++) {
      const user = some[i % some.length]!;
      begun.set(user, begun.get(user)! + 1);
      await count(counters, user);
      done.set(user, done.get(user)! + 1);
      if (i % 10 === 0) await sleep(1);
    }
  };
  const confirm = async () => {
    while (!over) {
      const known = new Map(done);
      await believe();
      confirmed = known;
      await sleep(2);
    }
  };
  let answers = 0;
  const read = async (i: number) => {
    for (; !over; i++) {
      const user = users[(i * 7) % users.length]!;
      const least = confirmed.get(user)!;
      const found = (await (i % 3 === 0 ? callsOfMonths : calls)(user)) ?? -1;
      answers += 1;
      if (found < least || found > begun.get(user)!)
        wrong.push({ user, found, least, most: begun.get(user) });
      if (i % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  };
  // The reader's loop is busy, so messages wait. One writer for a user: offsets of a partition come in order.
  const work = [write(users), confirm(), ...Array.from({ length: 8 }, (_, i) => read(i * 3))];
  await sleep(3_000);
  over = true;
  await Promise.all(work);
  t.strictSame(wrong.slice(0, 5), []);
  const { hits, misses } = rememberedBy(session);
  t.ok(hits > 0 && misses > 0, `${answers} answers, ${hits} from memory, ${misses} from Redis`);
  await believe();
  for (const user of users) t.equal(await calls(user), done.get(user));
});

test('one hundred thousand users, and memory for some', async (t) => {
  const counters = await testCounters(t);
  const users = Array.from({ length: 100_000 }, (_, i) => `u-${i}`);
  const bytes = 4 * 1024 * 1024;
  const { session, believe, calls } = await testReading(counters, { rememberedBytesMax: bytes });
  for (let at = 0; at < users.length; at += 5_000) {
    await believe();
    await Promise.all(users.slice(at, at + 5_000).map(calls));
    if (rememberedBy(session).bytes > bytes) t.fail(`${rememberedBy(session).bytes} bytes`);
  }
  const { hits, bytes: taken } = rememberedBy(session);
  t.equal(hits, 0);
  t.ok(taken > bytes / 2, `${taken} bytes`);
  await believe();
  await Promise.all([...users.slice(0, 1_000), ...users.slice(-1_000)].map(calls));
  t.equal(rememberedBy(session).hits, 1_000, 'the latest are known, and the first are not');
});

test('the connection that is told of changes, and the one that reads, end together', async (t) => {
  const counters = await testCounters(t);
  await warm(counters, ['u-1'], NOW);
  for (const type of ['pubsub', 'normal'] as const) {
    const { session, calls } = await testReading(counters);
    await calls('u-1');
    await calls('u-1');
    await counters.admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
    await session.ended;
    await t.rejects(calls('u-1'), { code: 'COUNTERS_LOST' }, 'nothing is answered from memory');
    const list = await until(
      async () => (await counters.admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub')) as string,
      (text) => text === '',
    );
    t.equal(list, '', 'nobody listens any more');
    const again = await counters.open();
    counters.session = again;
    counters.generations = await ensureGenerations(again, {
      retentionMonths: RETENTION_MONTHS,
      through: new Map([['0:0', -1]]),
    });
  }
});

/**
 * A proxy whose connections lead to these Redis by turns.
 * @param holds says for each connection, by what its client has sent, whether replies are held back
 * @returns its URL
 */
async function proxyTo(
  t: Test,
  engines: readonly Engine[],
  holds: (said: string) => boolean = () => false,
): Promise<string> {
  const sockets = new Set<Socket>();
  let turn = 0;
  const server = createServer((client) => {
    const { port } = new URL(engines[turn++ % engines.length]!.address);
    const redis = connect(Number(port), '127.0.0.1');
    let said = '';
    sockets.add(client).add(redis);
    client.on('data', (chunk) => {
      said += chunk.toString('latin1');
      redis.write(chunk);
    });
    redis.on('data', (chunk) => {
      if (!holds(said)) client.write(chunk);
    });
    for (const [one, other] of [
      [client, redis],
      [redis, client],
    ] as const) {
      one.on('error', () => {}).on('close', () => other.destroy());
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('a connection that has fallen silent serves nothing old for longer than a second', async (t) => {
  const counters = await testCounters(t);
  await warm(counters, ['u-1'], NOW);
  let isSilent = false;
  const isHeld = (said: string) => isSilent && said.includes('__redis__:invalidate');
  const url = await proxyTo(t, [counters.engine], isHeld);
  const { session, generations, believe, calls } = await testReading(counters, {
    url,
    commandTimeoutMs: 500,
  });
  await readBuckets(session, generations, 'u-1', NOW, []);
  await believe();
  t.equal(await calls('u-1'), 0);
  isSilent = true;
  await count(counters, 'u-1');
  t.equal(await calls('u-1'), 0, 'nobody has told');
  await sleep(1_050);
  t.equal(await calls('u-1'), 1, 'asked, since it is too long ago that Redis was heard of');
  await t.rejects(believe(), { code: 'COUNTERS_LOST' });
  await t.rejects(calls('u-1'), { code: 'COUNTERS_LOST' });
});

test('what is remembered is believed for a second after its master was read', async (t) => {
  const counters = await testCounters(t);
  await warm(counters, ['u-1'], NOW);
  const { session, generations, believe, calls } = await testReading(counters);
  await readBuckets(session, generations, 'u-1', NOW, []);
  await believe();
  await calls('u-1');
  const { hits } = rememberedBy(session);
  await calls('u-1');
  t.equal(rememberedBy(session).hits, hits + 1);
  // Nor does it matter that the other connection answers: the master may refuse to be read.
  for (let i = 0; i < 11; i++) {
    await session.confirm();
    await sleep(100);
  }
  await calls('u-1');
  t.equal(rememberedBy(session).hits, hits + 1, 'Redis was asked');
  await believe();
  await calls('u-1');
  await calls('u-1');
  t.equal(rememberedBy(session).hits, hits + 2);
});

test('where Redis does not tell, everything is asked for', async (t) => {
  const counters = await testCounters(t);
  const { admin, engine } = counters;
  await warm(counters, ['u-1'], NOW);
  await admin.call(
    'ACL',
    'SETUSER',
    'plain',
    'on',
    '>secret',
    '~ct2:*',
    'allchannels',
    '+@all',
    '-client|tracking',
  );
  await admin.call('ACL', 'SETUSER', 'deaf', 'on', '>secret', '~ct2:*', '+@all', 'resetchannels');
  const apart = await proxyTo(t, [engine, await testRedis(t)]);
  const cases: [what: string, settings: object, reason: RegExp][] = [
    ['its user may not', { username: 'plain', password: 'secret' }, /NOPERM.*client\|tracking/],
    ['its user may not listen', { username: 'deaf', password: 'secret' }, /NOPERM.*channel/],
    ['a balancer leads to two of them', { url: apart }, /does not exist|did not tell/],
  ];
  for (const [what, settings, reason] of cases) {
    await t.test(what, async (t) => {
      const { session, generations, calls } = await testReading(counters, settings);
      const [{ tracking }] = session.masters as [(typeof session.masters)[0]];
      t.match(tracking, { message: reason });
      t.match(rememberedBy(session), { untracked: 1 });
      await readBuckets(session, generations, 'u-1', NOW, []);
      const before = (await calls('u-1'))!;
      await count(counters, 'u-1');
      t.equal(await calls('u-1'), before + 1, 'without waiting for a message');
      t.equal(await admin.call('CLIENT', 'LIST', 'TYPE', 'pubsub'), '', 'and nobody listens');
      const info = (await session.masters[0]!.redis.call('CLIENT', 'TRACKINGINFO')) as string[];
      t.match(info[1], ['off'], 'and Redis keeps no list for it');
      session.end('done');
    });
  }

  await t.test('a Redis that takes no writes for a while can be read, and tells afterwards', async (t) => {
    await admin.config('SET', 'min-replicas-to-write', 1);
    const { session, generations, believe, calls } = await testReading(counters);
    t.match(session.masters[0]!.tracking, { message: /NOREPLICAS/ });
    t.match(await calls('u-1'), Number);
    t.match(await session.trackAgain(), [{ message: /NOREPLICAS/ }]);
    await admin.config('SET', 'min-replicas-to-write', 0);
    t.strictSame(await session.trackAgain(), []);
    await believe();
    const before = (await calls('u-1'))!;
    await calls('u-1');
    t.match(rememberedBy(session), { untracked: 0, hits: 1 });
    await count({ session, generations }, 'u-1');
    await session.confirm();
    t.equal(await calls('u-1'), before + 1);
  });
});
