import { test } from 'tap';
import { askByCell, randomCellsQuestion } from '../src/by-cell.ts';
import { askAndCompare, untilCounted } from '../src/dashboard.ts';
import { Oracle } from '../src/oracle.ts';
import { Platform } from '../src/platform.ts';
import { Chance } from '../src/random.ts';
import { randomRange } from '../src/ranges.ts';
import { Traffic } from '../src/traffic.ts';

const CALLS = 4_000;
const RANGES = 600;
/** Of five answers each. */
const BY_CELL = 120;
const YEAR_MS = 365 * 86_400_000;

test('every answer equals the oracle, for any range, from counters, Mongo and both', async (t) => {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const platform = await Platform.start(t);
  const { api, producer } = platform;
  const traffic = new Traffic(chance, platform.topic, 5);
  const oracle = new Oracle();
  const keys = new Map<string, string>();
  for (const user of traffic.users) keys.set(user, await platform.key(user));

  // Out of order, with redeliveries by the same partition and by others. What comes out of order has one right end,
  // because no two events of a call share a revision.
  const originals = traffic.events(CALLS, Date.now());
  for (const event of originals) oracle.add(event);
  const elsewhere = new Set(originals.filter(() => chance.chance(0.1)));
  const again = originals.filter(() => chance.chance(0.1));
  const here = originals.filter((event) => !elsewhere.has(event));
  await Promise.all([
    producer.sendAll(chance.shuffle([...here, ...again])),
    platform.sendUnderKey('another-key', chance.shuffle([...elsewhere])),
  ]);
  await platform.sendUnderKey(
    'a-third',
    originals.filter(() => chance.chance(0.1)),
  );
  for (const user of traffic.users) await untilCounted(api.url, keys.get(user)!, user, oracle, 60_000);
  await platform.untilRead();
  // Of equal revisions the first event stands: a later one with other content changes nothing.
  const completed = originals.filter((event) => !event.deleted);
  const changed = completed.filter(() => chance.chance(0.1)).map((event) => traffic.changed(event));
  await producer.sendAll(changed);
  await platform.sendUnderKey('another-key', changed);
  await platform.untilRead();

  const sources = new Map<string, number>();
  const compare = async (rounds: number) => {
    let wrong = 0;
    for (let i = 0; i < rounds && wrong < 5; i++) {
      const user = chance.pick(traffic.users);
      const now = Date.now();
      const range = randomRange(chance, now - 4 * YEAR_MS, now);
      const { answer, found, expected } = await askAndCompare(api.url, keys.get(user)!, user, oracle, range);
      sources.set(String(answer.source), (sources.get(String(answer.source)) ?? 0) + 1);
      const same = JSON.stringify(found) === JSON.stringify(expected);
      if (!same) {
        wrong++;
        t.same(found, expected, `${user} ${range.query} (${answer.source}, status ${answer.status})`);
      }
    }
    t.equal(wrong, 0, `${rounds} random ranges are answered exactly`);
  };
  const cellSources = new Map<string, number>();
  const compareByCell = async (rounds: number) => {
    const differences: unknown[] = [];
    for (let i = 0; i < rounds && differences.length < 5; i++) {
      const userId = chance.pick(traffic.users);
      const question = randomCellsQuestion(chance);
      const verdict = await askByCell({ url: api.url, key: keys.get(userId)!, userId, oracle }, question);
      differences.push(...verdict.differences);
      for (const { source } of verdict.answers) {
        cellSources.set(String(source), (cellSources.get(String(source)) ?? 0) + 1);
      }
    }
    t.strictSame(differences, [], `${rounds} random breakdowns and filters are answered exactly`);
  };
  await compare(RANGES);
  await compareByCell(BY_CELL);

  // Cold users are answered from Mongo and filled in the background.
  await platform.flushRedis();
  await compare(RANGES / 3);
  await compareByCell(BY_CELL / 3);
  await platform.redis.stop('SIGKILL');
  await compare(RANGES / 3);
  await compareByCell(BY_CELL / 3);
  await platform.redis.start();
  await compare(RANGES / 3);
  await compareByCell(BY_CELL / 3);

  t.comment([...sources], [...cellSources]);
  for (const found of [sources, cellSources]) {
    for (const source of ['counters', 'counters+mongo', 'mongo']) {
      t.ok(found.has(source), `${source} answered`);
    }
  }
});
