import { test } from 'tap';
import { NUMBER_INPUTS, optionOf } from '../../src/capacity/inputs.ts';
import { calltally } from '../support.ts';

/** So that any look at a setting fails. */
const env = { MONGODB_URI: 'unusable', REDIS_URL: 'unusable', KAFKA_BROKERS: '' };
const run = (...args: string[]) => calltally(['capacity', ...args], { env });

test('it tells people how many of each part they need, and what breaks first, without any setting', async (t) => {
  const { status, out, err } = await run('--users', '1e4', '--calls-per-day', '20');
  t.equal(status, 0);
  t.equal(err, '');
  t.match(out, /^6\.94 events\/s and \S+ dashboards\/s in the busiest second, 2\.31 events\/s on average$/m);
  t.match(out, /^Redis masters +1 +memory/m);
  t.match(out, /^ +USED +NEEDED +LIMIT {2}UNIT/m, 'numbers are aligned to the right');
  t.match(
    out,
    /^one of each part is enough; the fullest is the Redis master: memory, \d\.\d+ %$/m,
    'and no advice',
  );
  t.match(
    (await run('--users', '1e7')).out,
    /^first to break, with one of each: Redis masters, memory \(.*\): another master/m,
  );
  t.match(out, /^simulated: 2 times the busiest second for 60 s: /m);
});

test('--json has the same for programs', async (t) => {
  const { status, out } = await run('--users', '1e6', '--json', '--no-detail', '--fill-slots', '8');
  t.equal(status, 0);
  const told = JSON.parse(out);
  t.match(told, {
    inputs: { users: 1e6, detail: false, fill_slots: 8, id_bytes: 36 },
    costs: { 'ingest-event': Number, 'kafka-event-bytes': 244 + 2 * (36 - 11) + (36 - 27) },
    load: { users: 1e6, redis_bytes_of_user: Number },
    counting: { events_of_batch: Number },
    counts: { partition: 6, ingest: Number, intake: 0 },
    first_to_break: { part: String, what: String, need: Number, has: Number },
    ceiling: null,
    simulation: { burst: { factor: 2, seconds: 60 }, held_up_by: 'nothing' },
  });
  t.equal(told.needs.length > 8 && told.ceilings.length > 8, true);
  const detailed = JSON.parse((await run('--users', '1e6', '--json')).out);
  t.ok(detailed.load.redis_bytes_of_user > told.load.redis_bytes_of_user, 'detail takes memory');
});

test('a platform that is too large to be simulated has a plan', async (t) => {
  const { status, out } = await run('--users', '1e10');
  t.equal(status, 0);
  t.match(out, /^Redis masters +\d+ +memory/m);
  t.match(out, /^simulated: .*: left out, it plays at most .*: think of several installations$/m);
  const { simulation } = JSON.parse((await run('--users', '1e10', '--json')).out);
  t.match(simulation, { burst: { factor: 2 }, why: String });
});

test('what more parts do not help against is told with what to do', async (t) => {
  const args = ['--users', '1e6', '--calls-per-day', '50000', '--largest-share', '0.5'];
  const { status, out } = await run(...args);
  t.equal(status, 0, 'it was told');
  t.match(out, /^events of the largest user.*: spread this user’s events over several keys/m);
  const { ceilings } = JSON.parse((await run(...args, '--json')).out);
  const whale = ceilings.find(({ what }: { what: string }) => what.includes('largest user'));
  t.ok(whale.need > whale.has);
});

test('a cost of one’s own counts', async (t) => {
  const diskOf = (text: string) =>
    JSON.parse(text).needs.find(
      ({ what, part }: { what: string; part: string }) => part === 'shard' && what === 'disk',
    ).need;
  const half = await run('--cost', 'mongo-row-bytes=100', '--cost', 'mongo-index-bytes=100', '--json');
  const whole = await run('--cost', 'mongo-row-bytes=200', '--cost', 'mongo-index-bytes=200', '--json');
  t.equal(diskOf(whole.out), 2 * diskOf(half.out));
});

test('absurd numbers are refused in one line', async (t) => {
  for (const [args, code] of [
    [['--users', '0'], 'CAPACITY_INPUT'],
    [['--users', '-5'], 'CAPACITY_INPUT'],
    [['--busy-share', '2'], 'CAPACITY_INPUT'],
    [['--cost', 'money=1'], 'CAPACITY_INPUT'],
    [['--cost', 'mongo-row-bytes'], 'CAPACITY_INPUT'],
    [['--agents', '2.5'], 'CAPACITY_INPUT'],
    [['--burst-factor', '0'], 'CAPACITY_INPUT'],
    [['--users', 'many'], 'USAGE'],
    [['--users', ''], 'USAGE'],
  ] as const) {
    const { status, out, err } = await run(...args);
    t.equal(status, code === 'USAGE' ? 2 : 1);
    t.equal(out, '');
    t.match(err, new RegExp(`^calltally: [^\\n]*[Ww]rite[^\\n]*\\(${code}\\)\\n$`));
  }
});

test('every input has an option that its help explains', async (t) => {
  const { out } = await run('--help');
  for (const name of Object.keys(NUMBER_INPUTS)) t.match(out, `${optionOf(name)} <n>`);
});
