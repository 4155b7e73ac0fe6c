import { dequeueUsers, type FillProgress, queuedUsers, readFillStatuses } from '@calltally/counters';
import { DAY_MS, dayOf, dayOfMonth, firstHalfHourOfMonth, formatDay, monthOf } from '@calltally/domain';
import { fillPieces, type LedgerContext, PieceReader } from '@calltally/ledger';
import { test } from 'tap';
import { verify } from '../../src/audit/verify-run.ts';
import { callOf, countedUsers, jsonLines } from '../counted-users.ts';
import { calltally, NOWHERE } from '../support.ts';

test('verify', async (t) => {
  const { env, count, record, redis, ledger } = await countedUsers(t);
  const users = Array.from({ length: 30 }, (_, i) => `u-${String(i).padStart(2, '0')}`);
  await count(users.flatMap((userId, i) => Array.from({ length: 1 + (i % 3) }, () => callOf(userId))));
  const now = new Date();
  const month = monthOf(dayOf(now.getTime()));
  const monthText = now.toISOString().slice(0, 7);
  const drift = () => redis.hincrby(`ct2:{u-01}:m:${month}`, 'c', 3);
  const run = (...args: string[]) => calltally(['verify', ...args], { env });

  await t.test('where everything is right it says how many users, status 0', async (t) => {
    for (const whom of [['--all'], ['--user', 'u-01'], ['--sample', '10']]) {
      const { status, out, err } = await run(...whom);
      t.equal(status, 0, err);
      t.match(out, / 0 differ in 0 buckets, 0 unknown to Redis, 0 being filled, /);
    }
    const { out } = await run('--all', '--json');
    t.match(jsonLines(out), [
      {
        event: 'end',
        users: 30,
        cold: 0,
        filling: 0,
        drifted: 0,
        repaired: 0,
        differences: 0,
        complete: true,
      },
    ]);
    const sample = jsonLines((await run('--sample', '10', '--json')).out);
    t.equal(sample.at(-1)?.users, 10);
  });

  await t.test('a difference is named with what is and what should be, status 1', async (t) => {
    await drift();
    const text = await run('--all');
    t.equal(text.status, 1);
    t.match(text.out, `u-01: month ${monthText}: has 5 calls, 2000 ms; should have 2 calls, 2000 ms\n`);
    t.match(text.out, '30 users: 1 differ in 1 buckets');
    const json = await run('--user', 'u-01', '--json');
    t.equal(json.status, 1);
    t.match(jsonLines(json.out), [
      {
        event: 'difference',
        user_id: 'u-01',
        bucket: `month ${monthText}`,
        has: { calls: 5, duration_ms: 2000 },
        should_have: { calls: 2, duration_ms: 2000 },
      },
      { event: 'end', users: 1, drifted: 1, repaired: 0, differences: 1 },
    ]);
    t.equal((await run('--user', 'u-02')).status, 0, 'others are right');
  });

  await t.test('a cell that is off is named by its labels, day and month, and repaired', async (t) => {
    const labels = { agentId: 'ada', status: 'no_answer' };
    await count([{ ...callOf('u-03'), ...labels }]);
    const damaged = async (key: string, field: string) => {
      const chunk = (await redis.hgetBuffer(key, field))!;
      // The last sum of the chunk is one byte of calls and three of ms.
      chunk[chunk.length - 4]! += 2;
      await redis.hset(key, field, chunk);
    };
    await damaged(`ct2:{u-03}:c:${month}`, '0');
    const dayText = now.toISOString().slice(0, 10);
    const [has, should_have] = [{ calls: 3 }, { calls: 1 }];
    const named = (bucket: string) => `cell agent_id="ada", direction=null, status="no_answer" of ${bucket}`;
    const ofMonth = jsonLines((await run('--user', 'u-03', '--json')).out);
    t.match(ofMonth, [
      { bucket: named(`month ${monthText}`), has, should_have },
      { event: 'end', drifted: 1 },
    ]);
    await damaged(`ct2:{u-03}:d:${month}`, String(now.getUTCDate() * 128));
    const both = jsonLines((await run('--user', 'u-03', '--json')).out).map(({ bucket }) => bucket);
    t.strictSame(both.slice(0, -1).sort(), [named(`day ${dayText}`), named(`month ${monthText}`)]);
    t.equal((await run('--user', 'u-03', '--repair')).status, 0);
    t.equal((await run('--user', 'u-03')).status, 0);
  });

  await t.test('a half-hour that is off is named by its start, and repaired', async (t) => {
    await count([callOf('u-04', Date.now())]);
    const key = `ct2:{u-04}:h:${month}`;
    const [[field, chunk]] = Object.entries(await redis.hgetallBuffer(key)) as [[string, Buffer]];
    const present = chunk.readUInt16LE(1);
    const halfHour = firstHalfHourOfMonth(month) + Number(field) * 12 + Math.log2(present & -present);
    // The first sum of the chunk: one byte of calls and three of ms.
    chunk[3]! += 2;
    await redis.hset(key, field, chunk);
    const bucket = `half-hour ${new Date(halfHour * 1_800_000).toISOString().replace('.000Z', 'Z')}`;
    t.match(bucket, /T\d\d:[03]0:00Z$/);
    const found = jsonLines((await run('--user', 'u-04', '--json')).out);
    t.match(found, [
      { event: 'difference', user_id: 'u-04', bucket },
      { event: 'end', drifted: 1, differences: 1 },
    ]);
    const { has, should_have } = found[0] as Record<'has' | 'should_have', { calls: number }>;
    t.equal(has.calls - should_have.calls, 2);
    t.match((await run('--user', 'u-04')).out, `u-04: ${bucket}: has `);
    t.equal((await run('--user', 'u-04', '--repair')).status, 0);
    t.equal((await run('--user', 'u-04')).status, 0);

    await redis.del(key);
    const gone = jsonLines((await run('--user', 'u-04', '--json')).out);
    t.match(
      gone.find((one) => one.bucket === bucket),
      { has: { calls: 0, duration_ms: 0 } },
      'so is one that is gone',
    );
    t.equal((await run('--user', 'u-04', '--repair')).status, 0);
    t.equal((await run('--user', 'u-04')).status, 0);
  });

  await t.test('--repair puts it right, status 0, and nothing is left to repair', async (t) => {
    const { status, out } = await run('--all', '--repair', '--json');
    t.equal(status, 0);
    t.match(jsonLines(out).at(-1), { event: 'end', drifted: 1, repaired: 1, differences: 1 });
    t.equal((await run('--all')).status, 0);
  });

  await t.test('a user whom Redis does not know is told as cold, and is no difference', async (t) => {
    await redis.del('ct2:{u-02}');
    const { status, out } = await run('--all', '--json');
    t.equal(status, 0);
    t.match(jsonLines(out).at(-1), { users: 30, cold: 1, drifted: 0 });
  });

  await t.test(
    'of a user who is being filled, what is filled is compared, and the rest goes on',
    async (t) => {
      const [days, today] = [(n: number) => Date.now() - n * DAY_MS, dayOf(Date.now())];
      await record([0, 3, 40, 80, 90].map((n) => callOf('u-part', days(n))));
      const pieces = new PieceReader(ledger.store.tallies, { wholeTimeoutMs: 0, firstSpanMs: 5 * DAY_MS });
      await fillPieces(ledger, pieces, ['u-part']);
      const [filling] = await readFillStatuses(ledger.session, ledger.generations, ['u-part']);
      await dequeueUsers(ledger.session, new Map([['u-part', filling as FillProgress]]));
      t.strictSame(await queuedUsers(ledger.session, 10), []);
      const old = dayOf(days(80));
      await redis.hincrby(`ct2:{u-part}:m:${monthOf(old)}`, `${dayOfMonth(old)}c`, 1);

      const { status, out } = await run('--all', '--json');
      t.equal(status, 0, 'nobody is told what is not filled');
      t.match(jsonLines(out).at(-1), { users: 31, filling: 1, drifted: 0, differences: 0 });
      t.strictSame(await queuedUsers(ledger.session, 10), ['u-part'], 'it is seen to that it is filled');
      t.match((await run('--user', 'u-part')).out, /^1 users: 0 differ .*, 1 being filled, /);

      await redis.hincrby(`ct2:{u-part}:m:${month}`, `${dayOfMonth(today)}c`, 2);
      const told = await run('--user', 'u-part', '--json');
      t.equal(told.status, 1);
      t.match(jsonLines(told.out), [
        {
          event: 'difference',
          bucket: `day ${formatDay(today)}`,
          has: { calls: 3 },
          should_have: { calls: 1 },
        },
        { event: 'end', filling: 1, drifted: 1, differences: 1 },
      ]);
      t.equal((await run('--user', 'u-part', '--repair')).status, 0);
      t.match(jsonLines((await run('--user', 'u-part', '--json')).out).at(-1), {
        filling: 0,
        cold: 0,
        drifted: 0,
      });
      t.strictSame(await queuedUsers(ledger.session, 10), []);
    },
  );

  await t.test('asked to stop amid a user with many rows, it looks at no more of them', async (t) => {
    await count(Array.from({ length: 60 }, (_, n) => callOf('u-long', Date.now() - n * 5 * DAY_MS)));
    await redis.hincrby(`ct2:{u-long}:m:${month}`, 'c', 3);
    const whom = { userId: 'u-long' };
    for (const repair of [false, true]) {
      const stopping = new AbortController();
      let seen = 0;
      const onProgress = (_: unknown, rows: number) => {
        seen = rows;
        // The first piece of the audit, or of the repair.
        if (rows > (repair ? 60 : 0)) stopping.abort();
      };
      const piecesOf = ({ store }: LedgerContext) =>
        new PieceReader(store.tallies, { wholeTimeoutMs: 0, rowsWanted: 3, firstSpanMs: 15 * DAY_MS });
      const request = { whom, repair, slots: 2, piecesOf };
      const done = await verify(ledger, request, { onDifferences() {}, onProgress }, stopping.signal);
      t.match(done, { repaired: 0, complete: false });
      const least = repair ? 60 : 0;
      t.ok(seen > least && seen < least + 60, `${seen} rows were added up`);
    }
    t.equal((await run('--all', '--repair')).status, 0);
  });

  await t.test('users of any id are compared and rebuilt, and none of them touches a terminal', async (t) => {
    const odd = [
      '+15550100042',
      '客户',
      '__proto__',
      '}',
      '💬'.repeat(256),
      '\ufffd',
      '\u202eevil\u2028x',
      '$ne',
    ];
    await count(odd.map((userId) => callOf(userId)));
    for (const userId of odd) await redis.hincrby(`ct2:{${userId.replace('}', '%7D')}}:m:${month}`, 'c', 1);
    const found = jsonLines((await run('--all', '--json')).out).filter(({ event }) => event === 'difference');
    t.strictSame(found.map(({ user_id }) => user_id).sort(), odd.toSorted());
    const text = await run('--user', odd[6]!);
    t.match(text.out, `\\u202eevil\\u2028x: month ${monthText}: has 2 calls, 1000 ms; should have 1 calls`);
    t.equal((await run('--all', '--repair')).status, 0);
    for (const userId of odd) t.equal((await run('--user', userId)).status, 0);
  });

  await t.test('a command line that does not say whom is refused with 2', async (t) => {
    for (const args of [
      [],
      ['--user', 'u-01', '--all'],
      ['--sample', '0'],
      ['--sample', '10001'],
      ['--sample', 'x'],
    ]) {
      const { status, err } = await run(...args, '--json');
      t.equal(status, 2, args.join(' '));
      t.equal(JSON.parse(err).error.code, 'USAGE');
    }
    for (const args of [[], ['--repair']]) {
      const nobody = await run('--user', 'nobody', ...args, '--json');
      t.match(nobody, { status: 1, out: '' }, 'and somebody who never called with 1');
      t.match(JSON.parse(nobody.err).error, { code: 'USER_UNKNOWN', message: /no call of user "nobody"/ });
    }
    const { status, err } = await run('--user', ' no id', '--json');
    t.equal(status, 1);
    t.equal(JSON.parse(err).error.code, 'USER_ID_INVALID');
  });

  await t.test(
    'stores that are away, and a Redis in which nothing was counted, are errors of their own',
    async (t) => {
      for (const [around, code] of [
        [{ ...env, REDIS_URL: NOWHERE.REDIS_URL }, 'COUNTERS_LOST'],
        [{ ...env, MONGODB_URI: NOWHERE.MONGODB_URI }, 'STORE_UNAVAILABLE'],
      ] as const) {
        const { status, err } = await calltally(['verify', '--all', '--json'], { env: around });
        t.equal(status, 1);
        t.equal(JSON.parse(err).error.code, code);
      }
      await redis.flushall();
      const { status, err } = await run('--all', '--json');
      t.equal(status, 1);
      t.equal(JSON.parse(err).error.code, 'COUNTERS_UNKNOWN');
      ledger.session.end('done');
    },
  );
});
