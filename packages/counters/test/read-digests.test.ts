import { test } from 'tap';
import {
  addPieces,
  applyEvents,
  claimUsers,
  type FillProgress,
  type Generations,
  readBuckets,
  readDigests,
} from '../src/index.ts';
import { DAY_MS, opened, sumsOf, testCounters, warm } from './support.ts';

const NOW = Date.UTC(2025, 5, 15, 12);
/** More than fit into one command. */
const USERS = 600;

test('digests of many users at once', async (t) => {
  const counters = await testCounters(t);
  const { session, generations, admin, open } = counters;
  const users = Array.from({ length: USERS }, (_, i) => `u-${i}`);
  await warm(counters, users, NOW);
  const versionsOf = (userIds: readonly string[]) => readDigests(session, generations, userIds);
  const count = (userIds: readonly string[], partition: string, offset: number) =>
    applyEvents(
      session,
      generations,
      partition,
      userIds.map((userId) => ({ userId, events: [{ offset, startedAt: NOW - offset, durationMs: 7 }] })),
    );

  await t.test('a digest stays the same until something of its user is counted', async (t) => {
    const before = await versionsOf(users);
    t.strictSame(await versionsOf(users), before);
    t.equal(before[0]?.lastStartedAt, -1);
    const some = users.filter((_, i) => i % 7 === 0);
    await count(some, '0:0', 3);
    const after = await versionsOf(users);
    t.strictSame(
      users.filter((_, i) => after[i]!.text !== before[i]!.text),
      some,
    );
    t.equal(after[0]?.lastStartedAt, NOW - 3);
    await count(some, '0:0', 3);
    t.strictSame(await versionsOf(users), after, 'a redelivery changes nothing');
  });

  await t.test('any change to the counters changes the digest', async (t) => {
    const seen = new Set<string>();
    const isAnother = async (what: string) => {
      const [version] = await versionsOf(['u-1']);
      t.notOk(seen.has(version!.text), what);
      seen.add(version!.text);
    };
    await isAnother('at first');
    await count(['u-1'], '0:0', 10);
    await isAnother('a call');
    await count(['u-1'], '0:1', 10);
    await isAnother('a call of another partition, of the same offset and start');
    await readBuckets(session, generations, 'u-1', NOW, []);
    await isAnother('sums made ready');
    await readBuckets(session, generations, 'u-1', NOW + DAY_MS, []);
    await isAnother('of another day');
    const [before] = await versionsOf(['u-1']);
    await claimUsers(session, generations, ['u-1'], NOW);
    t.strictSame(await versionsOf(['u-1']), [before], 'a claim of who is known is no change');
    const partitions = ['0:0', '0:1'];
    const base = new Map(partitions.map((partition) => [partition, 10]));
    const fill = async (filling: FillProgress, fromMs: number, calls: number) => {
      const sums = sumsOf('u-1', [[20_000, { calls, durationMs: 9 }]], partitions);
      t.same(await addPieces(session, generations, [{ filling, sums, fromMs }]), [true]);
    };
    const [first] = await opened(counters, ['u-1'], NOW, base);
    await isAnother('reopened');
    await fill(first!, 0, 9);
    await isAnother('a piece');
    await fill({ ...first!, sinceMs: 0 }, -Infinity, 0);
    await isAnother('complete');
    await readBuckets(session, generations, 'u-1', NOW, []);
    await isAnother('made ready');
    const [mended] = await opened(counters, ['u-1'], NOW + 1, base);
    await fill(mended!, -Infinity, 10);
    await readBuckets(session, generations, 'u-1', NOW, []);
    await isAnother('other sums of a day long ago, and made ready before anybody asked');
  });

  await t.test('users who are unknown, only claimed or of another generation have none', async (t) => {
    await claimUsers(session, generations, ['u-cold'], NOW);
    const versions = await versionsOf(['u-2', 'nobody', 'u-cold', 'u-3']);
    t.strictSame(
      versions.map((version) => version !== undefined),
      [true, false, false, true],
    );
    const [[master, own]] = [...generations] as [[(typeof session.masters)[0], object]];
    const other = new Map([[master, { ...own, id: 'another' }]]) as Generations;
    t.strictSame(await readDigests(session, other, ['u-2']), [undefined]);
    t.strictSame(await readDigests(session, new Map(), ['u-2']), [undefined]);
    t.strictSame(await versionsOf([]), []);
  });

  await t.test('few commands, however many users', async (t) => {
    const scripts = async () => {
      const said = await admin.info('commandstats');
      return [...said.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce(
        (sum, [, n]) => sum + Number(n),
        0,
      );
    };
    const before = await scripts();
    await versionsOf(users);
    t.equal((await scripts()) - before, Math.ceil(USERS / 256));
  });

  await t.test('a session that is over says so', async (t) => {
    const cut = await open();
    const same: Generations = new Map([[cut.masters[0]!, [...generations.values()][0]!]]);
    t.same(await readDigests(cut, same, ['u-2']), await versionsOf(['u-2']));
    cut.end('done');
    await t.rejects(readDigests(cut, same, ['u-2']), { code: 'COUNTERS_LOST' });
  });
});
