import { test } from 'tap';
import { CounterSession, forgetOldKeys } from '../src/index.ts';
import { testCluster } from './cluster.ts';

const OLD = [
  'ct:ledger:{7}',
  'ct:filling:{7}',
  'ct:fill-slot:{7}:0',
  'ct:{a:b}',
  'ct:{a}:m:683',
  'ct:{%7D}:w:2026',
];
const OTHERS = ['ct:theirs', 'ct:', 'ct2:{a}', 'ct2:ledger:{7}', 'cart:{a}', 'Ct:{a}'];
/** More than one step of a scan finds. */
const USERS = 4_000;

test('keys of the version before are deleted on every master, and nothing else', async (t) => {
  const { nodes, admins } = await testCluster(t);
  const limits = { commandTimeoutMs: 10_000, openTimeoutMs: 10_000 };
  const session = await CounterSession.open({ clusterNodes: nodes, ...limits });
  t.teardown(() => session.end('the test is over'));
  const old = [...OLD, ...Array.from({ length: USERS }, (_, i) => `ct:{user-${i}}`)];
  await Promise.all(
    [...old, ...OTHERS].map(async (key) => {
      for (const admin of admins) if ((await admin.set(key, '1').catch(() => undefined)) === 'OK') return;
      throw new Error(`no master takes ${key}`);
    }),
  );
  const keys = async () => (await Promise.all(admins.map((admin) => admin.keys('*')))).flat().sort();
  const all = await keys();
  const seen: number[] = [];
  const forget = (dryRun: boolean, signal = new AbortController().signal) =>
    forgetOldKeys(session, { dryRun, onProgress: (found) => seen.push(found), signal });

  t.equal(await forget(true), old.length);
  t.strictSame(await keys(), all, 'a dry run changes nothing');
  t.equal(seen.at(-1), old.length);
  t.ok(seen.length > USERS / 1_000, `in ${seen.length} pieces`);

  t.equal(await forget(false, AbortSignal.abort()), 0);
  t.strictSame(await keys(), all, 'stopped before it began');

  t.equal(await forget(false), old.length);
  t.strictSame(await keys(), [...OTHERS].sort());
  t.equal(await forget(false), 0, 'a second run finds nothing');
});
