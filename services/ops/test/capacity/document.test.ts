import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { BATCH_MAX, countingIn } from '../../src/capacity/counting.ts';
import {
  costsOf,
  DEFAULT_INPUTS,
  type Inputs,
  inputsOf,
  NUMBER_INPUTS,
  optionOf,
} from '../../src/capacity/inputs.ts';
import { API_POLLS, INGEST_POLLS, MASTER_POLLS, planOf } from '../../src/capacity/needs.ts';
import { keptMonths, redisBytesOfUser } from '../../src/capacity/redis-bytes.ts';
import { percent } from '../../src/capacity/report.ts';
import { MEASURED_IDS, UNIT_COSTS } from '../../src/capacity/unit-costs.ts';
import { calltally } from '../support.ts';

const read = (name: string) => readFileSync(new URL(`../../../../docs/${name}.md`, import.meta.url), 'utf8');
const document = read('capacity');
const measured = read('performance');

/** The rows between the marks. */
function rowsOf(name: string): string[] {
  const [, part = ''] = new RegExp(`<!-- ${name} -->\\n(.*?)<!-- end -->`, 's').exec(document) ?? [];
  return part
    .split('\n')
    .filter((line) => /^\| [^-]/.test(line))
    .slice(1);
}

/** With spaces between thousands, as in docs/performance.md. */
function shown(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ' ');
}

test('docs/capacity.md has every cost, as the model uses it', (t) => {
  const rows = Object.entries(UNIT_COSTS).map(([name, cost]) => {
    const mark = 'ofStandIn' in cost ? '\\*' : '';
    return `| \`${name}\` | ${shown(cost.value)} ${cost.unit}${mark} | ${cost.about} | ${cost.source} |`;
  });
  t.strictSame(rowsOf('costs'), rows);
  t.end();
});

/** A line of a table in docs/performance.md; NaN for an other that it has not. @throws Error if there is no such line */
function figure(name: string): { ours: number; other: number } {
  const median = '([\\d .]+?) \\([^)]*\\)';
  const line = new RegExp(`^\\| \`${name}\` +\\| ${median} +\\| (?:${median}|–)`, 'm');
  const found = line.exec(measured);
  if (found === null) throw new Error(`docs/performance.md has no figure ${name}`);
  const [ours, other] = found.slice(1).map((text) => Number(text?.replaceAll(' ', '')));
  return { ours: ours!, other: other! };
}

test('a cost that is a figure of npm run bench is the one that was measured', (t) => {
  let compared = 0;
  for (const [name, { value, source }] of Object.entries(UNIT_COSTS)) {
    if (!source.startsWith('costs-')) continue;
    t.equal(figure(source).ours, value, name);
    compared += 1;
  }
  t.ok(compared > 15, `${compared} costs`);
  t.equal(UNIT_COSTS['fill-rows-per-second'].value, figure('whale-rows').ours);
  t.end();
});

test('a cost that is computed from figures is what they make', (t) => {
  const streams = figure('streams-idle-1000');
  const computed = {
    'redis-command': (figure('masters-cpu').ours * 1_000) / figure('masters-commands').ours,
    'partition-event': 1e6 / figure('growth-partitions').other,
    'partition-batch': 1e6 / figure('growth-batches').other,
    'api-stream': streams.ours - streams.other,
  };
  for (const [name, value] of Object.entries(computed)) {
    t.equal(UNIT_COSTS[name as keyof typeof computed].value, Number(value.toPrecision(3)), name);
  }
  t.end();
});

test('polls of masters are as many as were counted', (t) => {
  const [, counted] = /^\| `masters-commands` +\| (\d+) \(/m.exec(measured)!;
  const [processes, readers, partitions, masters] = [100, 10, 500, 3];
  const predicted = INGEST_POLLS * processes + API_POLLS * readers + MASTER_POLLS + partitions / masters;
  t.equal(Math.round(predicted), Number(counted));
  t.end();
});

test('it has every option, with its default', (t) => {
  const rows = Object.entries(NUMBER_INPUTS).map(
    ([name, { default: usual, min, max, about }]) =>
      `| \`${optionOf(name)}\` | ${shown(usual)} | ${min} to ${max} | ${about} |`,
  );
  t.strictSame(rowsOf('options'), rows);
  t.equal(rows.length + 1, Object.keys(DEFAULT_INPUTS).length, 'and --no-detail');
  t.end();
});

const EXAMPLES = [
  '--users 1e4',
  '--users 1e6',
  '--users 1e8',
  '--users 1e8 --no-detail --months 13 --master-gib 64',
  '--users 1e8 --calls-per-day 288',
];

test('its worked examples are what the command says', async (t) => {
  const rows = await Promise.all(
    EXAMPLES.map(async (options) => {
      const { out } = await calltally(['capacity', ...options.split(' '), '--json']);
      const { load, counts, first_to_break, ceilings } = JSON.parse(out);
      const { partition, broker, ingest, master, shard, api } = counts;
      const numbers = [load.peak_events_per_second, partition, broker, ingest, master, shard, api].map(
        (one) => shown(Math.round(one)),
      );
      const nearest = `${ceilings[0].what}: ${percent(ceilings[0].need / ceilings[0].has)}`;
      return `| \`${options}\` | ${numbers.join(' | ')} | ${first_to_break.part}, ${first_to_break.what} | ${nearest} |`;
    }),
  );
  t.strictSame(rowsOf('examples'), rows);
  t.equal(
    planOf(inputsOf({ users: 1e4 }), costsOf()).counts.master,
    1,
    'ten thousand users fit on one master',
  );
});

test('what breaks first is what the command says of the largest example', async (t) => {
  const { out } = await calltally(['capacity', ...EXAMPLES.at(-1)!.split(' '), '--json']);
  const { needs, ceilings } = JSON.parse(out);
  const rows = ceilings.map(({ what, unit, need, has, remedy }: Record<string, string | number>) => {
    return `| ${what} (${unit}) | ${percent(Number(need) / Number(has))} | ${remedy} |`;
  });
  t.strictSame(rowsOf('breaks'), rows);
  const shares = needs.map(({ part, what, need, has }: Record<string, string | number>) => ({
    name: `${part}, ${what}`,
    share: Number(need) / Number(has),
  }));
  const first = shares
    .toSorted((a: { share: number }, b: { share: number }) => b.share - a.share)
    .slice(0, 3)
    .map(({ name }: { name: string }) => name);
  t.strictSame(first, ['shard, disk', 'master, memory', 'master, CPU']);
});

test('what it says that saves nodes of the Redis Cluster saves as many', (t) => {
  const found = /`COUNTERS_DETAIL=off` saves (\d+) % of the\s+nodes, `--master-gib 64` (\d+) %/.exec(
    document,
  )!;
  const mastersOf = (given: Partial<Inputs>) => {
    const all = inputsOf({ users: 1e8, callsPerDay: 288, ...given });
    return planOf(all, costsOf([], all)).counts.master;
  };
  const saved = (given: Partial<Inputs>) => Math.round(100 * (1 - mastersOf(given) / mastersOf({})));
  t.strictSame(found.slice(1).map(Number), [saved({ detail: false }), saved({ masterGib: 64 })]);
  t.end();
});

test('what it says of a burst is what the command says', async (t) => {
  const [, options = '', waited, caughtUp] =
    /A burst .*\(`(.*)`\) lets events wait for up to (\d+) s, and is caught up\s+(\d+) s after/.exec(
      document,
    )!;
  const { out } = await calltally(['capacity', ...options.split(' ')]);
  t.match(out, `events wait for up to ${waited} s,`);
  t.match(out, `caught up ${caughtUp} s after the burst`);
});

test('it says with which ids bytes were measured', (t) => {
  const [, user, call] = /measured with (\d+) bytes of a user's id and (\d+) of a call's/.exec(document)!;
  t.strictSame({ idBytes: Number(user), callIdBytes: Number(call) }, MEASURED_IDS);
  t.end();
});

test('what docs/operations.md says of a user is what the model says', (t) => {
  const [, few, many, off] =
    /With 20 calls a day in 25 months, it is some (\d+) kB with 3 agents \(`--agents`\) and (\d+) kB with\n20, and (\d+) kB with/.exec(
      read('operations'),
    )!;
  const kilobytes = (given: Partial<Inputs>) => {
    const inputs = inputsOf({ callsPerDay: 20, months: 25, ...given });
    return Math.round(redisBytesOfUser(inputs, keptMonths(inputs)) / 1_000);
  };
  t.strictSame([few, many, off].map(Number), [
    kilobytes({ agents: 3 }),
    kilobytes({ agents: 20 }),
    kilobytes({ detail: false }),
  ]);
  t.equal(kilobytes({ detail: false, agents: 20 }), kilobytes({ detail: false }), 'whatever the agents');
  t.end();
});

test('what it says of one event is what the model says, and what was measured as a whole', (t) => {
  const { ingestUs, redisUs, mongoUs } = countingIn(
    BATCH_MAX,
    true,
    costsOf(),
    { peakEventsPerSecond: 1, users: 1_000 },
    { partition: 6, master: 1, shard: 1 },
  );
  const rows = [
    ['ingest', ingestUs, figure('parts').ours],
    ['Mongo', mongoUs, figure('parts-mongo').ours],
    ['Redis', redisUs, figure('parts-redis').ours],
  ] as const;
  t.strictSame(
    rowsOf('event'),
    rows.map(
      ([part, model, whole]) => `| ${part} | ${model.toPrecision(3)} µs | ${whole.toPrecision(3)} µs |`,
    ),
  );
  t.end();
});
