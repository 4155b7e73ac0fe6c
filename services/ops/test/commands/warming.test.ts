import { setTimeout as sleep } from 'node:timers/promises';
import { type FillProgress, readFillStatuses } from '@calltally/counters';
import { fillPieces, fillUntilComplete, openCold, PieceReader } from '@calltally/ledger';
import { test } from 'tap';
import { callOf, countedUsers } from '../counted-users.ts';
import { calltally, NOWHERE } from '../support.ts';

const DAY_MS = 86_400_000;

test('warming', async (t) => {
  const { env, count, redis, ledger } = await countedUsers(t);
  const run = (...args: string[]) => calltally(['warming', ...args], { env });
  const json = async (...args: string[]) => JSON.parse((await run(...args, '--json')).out);
  const users = ['u-0', 'u-1', 'u-2', 'u-3'];
  await count(
    users.flatMap((userId) => [0, 1, 50, 90].map((days) => callOf(userId, Date.now() - days * DAY_MS))),
  );
  await fillUntilComplete(ledger, users);

  await t.test('where all counters are complete it says so, status 0', async (t) => {
    t.strictSame(await json(), { waiting: 0, oldest: null, oldest_seconds: null, users: [] });
    const { status, out } = await run();
    t.equal(status, 0);
    t.match(out, /^nobody waits/);
  });

  await redis.del(...users.map((userId) => `ct2:{${userId}}`));
  await openCold(ledger, ['u-1']);
  await sleep(5);
  await openCold(ledger, ['u-2', 'u-3']);
  const pieces = new PieceReader(ledger.store.tallies, { wholeTimeoutMs: 0, firstSpanMs: 5 * DAY_MS });
  await fillPieces(ledger, pieces, ['u-3']);
  const [, , , part] = (await readFillStatuses(ledger.session, ledger.generations, users)) as FillProgress[];

  await t.test('who waits is told in their turn, with how far they are and since when', async (t) => {
    const found = await json();
    t.match(found, { waiting: 3, oldest: /^\d{4}-\d\d-\d\dT/, oldest_seconds: Number });
    t.strictSame(
      found.users.map(({ user_id, filled_since }: Record<string, string>) => [
        user_id,
        Date.parse(filled_since!),
      ]),
      [
        ['u-1', NaN],
        ['u-2', NaN],
        ['u-3', part!.sinceMs],
      ],
    );
    t.ok(part!.sinceMs < Date.now() - DAY_MS, 'a piece is filled');
    t.match(found.users, [{ waits_seconds: Number }, { waits_seconds: Number }, { waits_seconds: Number }]);
    const { status, out } = await run();
    t.equal(status, 0);
    t.match(out, /^3 wait; the first has had nothing since \S+, \d+ s$/m);
    t.match(out, /^u-1 +nothing yet +\d+$/m);
    t.match(out, new RegExp(`^u-3 +since ${found.users[2].filled_since} +\\d+$`, 'm'));
  });

  await t.test('how long somebody waits is what the clock says', async (t) => {
    await redis.hset('ct2:{u-1}', 'n', Date.now() - 90_000);
    const [first] = (await json()).users;
    t.ok(first.waits_seconds >= 90 && first.waits_seconds < 600, `${first.waits_seconds} s`);
  });

  await t.test('no more than asked for are told, and how many there are', async (t) => {
    const found = await json('--limit', '1');
    t.equal(found.waiting, 3);
    t.match(found.users, [{ user_id: 'u-1', filled_since: null }]);
    t.equal(found.users.length, 1);
    t.match((await run('--limit', '2')).out, /^and 1 more/m);
  });

  await t.test('somebody who is queued and not open yet has nothing, and no time', async (t) => {
    await redis.del('ct2:{u-1}');
    const [first] = (await json()).users;
    t.strictSame(first, { user_id: 'u-1', filled_since: null, waits_seconds: null });
    t.match((await run()).out, /^u-1 +nothing yet +not open yet$/m);
  });

  await t.test('where everybody has a part, nobody is the first of those with nothing', async (t) => {
    await fillUntilComplete(ledger, ['u-1', 'u-2']);
    t.match(await json(), { waiting: 1, oldest: null, oldest_seconds: null, users: [{ user_id: 'u-3' }] });
    t.match((await run()).out, /^1 wait; each of them has a part or is being worked on$/m);
    await fillUntilComplete(ledger, users);
    t.equal((await json()).waiting, 0);
  });

  await t.test('a limit that is none is refused with 2, and a Redis that is away is an error', async (t) => {
    for (const limit of ['0', '1001', 'x', '1.5']) {
      t.equal((await run('--limit', limit)).status, 2, limit);
    }
    const away = await calltally(['warming', '--json'], { env: { ...env, REDIS_URL: NOWHERE.REDIS_URL } });
    t.equal(away.status, 1);
    t.equal(JSON.parse(away.err).error.code, 'COUNTERS_LOST');
  });
});
