import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { obtainPromtool, testPrometheus } from '@calltally/stack/testing';
import { type Test, test } from 'tap';
import { parse, stringify } from 'yaml';
import { caughtUp, warmUp } from '../src/endure.ts';
import { interpolate, OPERATORS, operatorsDashboard, panelsOf } from '../src/grafana/dashboards.ts';
import { doDeeds, withOpenTransaction } from '../src/grafana/deeds.ts';
import { PrometheusApi } from '../src/grafana/prometheus-api.ts';
import { compareUserFigures } from '../src/grafana/user-figures.ts';
import type { Platform } from '../src/platform.ts';
import { Flow, startWorld, type World } from '../src/world.ts';

const folder = new URL('../../prometheus/', import.meta.url);
const pathOf = (name: string) => fileURLToPath(new URL(name, folder));
const WITHIN_MS = 180_000;
/** Shorter than the time after which Kafka ends an open transaction. */
const HELD_WITHIN_MS = 45_000;
/** Rounds of all rules in the healthy stack, one a second. */
const ROUNDS_MS = 15_000;

/** What a machine may be too slow for, for a while. */
const OF_SPEED = new Set(['CalltallyApiSlow pending', 'CalltallyBehind pending', 'CalltallyAsOfOld pending']);
/** As Grafana fills them in, but with times for a Prometheus that has run for a minute and scrapes every second. */
const VARIABLES = { job: '.+', instance: '.+', __rate_interval: '30s', __range: '45s' };
/** What shows 0 for want of a series, because it does not happen here. All others that may do so must have a series. */
const NEVER_HERE = new Set([
  'counting: Stuck A',
  'counting: Lost events A',
  'counting: Failures by code A',
  'answers: 5xx A',
  'answers: Tokens by result A',
  'intake: 5xx A',
]);
const ZERO = / or (?:on\(\) )?vector\(0\)/;

test('promtool finds nothing to object to', async (t) => {
  const promtool = await obtainPromtool();
  for (const [what, file] of [
    ['check config', 'prometheus.yml'],
    ['check rules', 'alerts.yml'],
    ['test rules', 'alerts.test.yml'],
  ] as const) {
    const run = promisify(execFile)(promtool, [...what.split(' '), pathOf(file)]);
    const { code, said } = await run.then(
      ({ stdout }) => ({ code: 0, said: stdout }),
      (error) => ({ code: error.code, said: `${error.stdout}${error.stderr}` }),
    );
    t.equal(code, 0, `promtool ${what} ${file}: ${said}`);
  }
});

test('a running stack: alerts are silent, panels show something, a user sees their calls', async (t) => {
  const world = await startWorld(t, { users: 4, ingests: 2, intakes: 1, sessionTimeoutMs: 30_000 });
  const prometheus = new PrometheusApi(await testPrometheus(t, configFor(world.platform)));
  const flow = new Flow(world);
  flow.start();
  await warmUp(world);

  await t.test('no alert is pending or fires while all is well', async (t) => {
    await healthy(t, prometheus);
  });
  await t.test('every query of every panel has a result', async (t) => {
    await eventful(t, world, prometheus);
  });
  await flow.stop();
  await caughtUp(world);
  await t.test("the dashboard of a user has that user's figures", async (t) => {
    for (const user of world.traffic.users.slice(0, 2)) await compareUserFigures(t, world, user);
  });
});

/** The delivered configuration, for these processes and in a hurry. */
function configFor({ services, intakes }: Platform): string {
  const config = parse(readFileSync(pathOf('prometheus.yml'), 'utf8'));
  const [job] = config.scrape_configs;
  job.static_configs[0].targets = [...services, ...intakes].map(({ port }) => `127.0.0.1:${port}`);
  return stringify({
    ...config,
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: config.rule_files.map(pathOf),
  });
}

async function healthy(t: Test, prometheus: PrometheusApi): Promise<void> {
  const sinceMs = Date.now() + ROUNDS_MS;
  const isDue = (time: string) => Date.parse(time) >= sinceMs;
  let rules = await prometheus.rules();
  for (const end = Date.now() + WITHIN_MS; Date.now() < end; await sleep(200)) {
    rules = await prometheus.rules();
    if (rules.every(({ lastEvaluation }) => isDue(lastEvaluation))) break;
  }
  t.ok(rules.length > 20, `${rules.length} rules`);
  for (const { name, health, lastError, lastEvaluation } of rules)
    t.ok(health === 'ok' && isDue(lastEvaluation), `${name} was asked: ${health} ${lastError}`);
  const up = await prometheus.now('up');
  t.same(
    up.map(({ values }) => values),
    [['1'], ['1'], ['1'], ['1']],
    'all four processes are scraped',
  );
  const alerts = (await prometheus.alerts()).map(({ labels, state }) => `${labels.alertname} ${state}`);
  t.same(
    alerts.filter((alert) => !OF_SPEED.has(alert)),
    [],
  );
}

interface Query {
  expr: string;
  instant: boolean;
}

/** The queries of all dashboards for operators, by their place. */
function queries(): Map<string, Query> {
  const all = new Map<string, Query>();
  for (const name of OPERATORS) {
    for (const { title, targets = [] } of panelsOf(operatorsDashboard(name))) {
      for (const { refId, expr, instant = false } of targets) {
        const place = `${name}: ${title} ${refId}`;
        const asked = NEVER_HERE.has(place) ? expr : expr.replace(ZERO, '');
        all.set(place, { expr: interpolate(asked, VARIABLES), instant });
      }
    }
  }
  return all;
}

async function eventful(t: Test, world: World, prometheus: PrometheusApi): Promise<void> {
  const keyOf = async (scope: 'read' | 'write') =>
    (await world.platform.store.apiKeys.create({ platform: true, scope })).apiKey;
  const keys = { read: await keyOf('read'), write: await keyOf('write') };
  const stopping = new AbortController();
  const doing = doDeeds(world, keys, stopping.signal);
  t.teardown(() => stopping.abort());
  const all = queries();
  t.ok(all.size > 70, `${all.size} queries`);
  for (const place of NEVER_HERE) t.ok(all.has(place), place);
  const isHeld = ([place]: [string, unknown]) => /: Held (?:or|and) refused/.test(place);
  const held = await withOpenTransaction(world, () =>
    silent(t, prometheus, [...all].filter(isHeld), HELD_WITHIN_MS),
  );
  const others = await silent(
    t,
    prometheus,
    [...all].filter((one) => !isHeld(one)),
  );
  for (const [place, { expr }] of [...held, ...others]) t.fail(`${place} shows nothing: ${expr}`);
  for (const name of OPERATORS) await variables(t, name, prometheus);
  const firing = (await prometheus.alerts()).filter(({ state }) => state === 'firing');
  t.ok(
    firing.some(({ labels }) => labels.alertname === 'CalltallyDeadLetters'),
    'now an alert fires: silence is told from not asking',
  );
  stopping.abort();
  await doing;
}

/**
 * Those of the queries that have no number as result, though they were asked until they had, for a limited time. Comments what
 * the others show.
 */
async function silent(
  t: Test,
  prometheus: PrometheusApi,
  queries: [place: string, query: Query][],
  withinMs = WITHIN_MS,
) {
  let left = queries;
  for (const end = Date.now() + withinMs; left.length > 0 && Date.now() < end; await sleep(500)) {
    const asked = left;
    left = [];
    for (const one of asked) {
      const [place, { expr, instant }] = one;
      const series = await (instant ? prometheus.now(expr) : prometheus.minute(expr));
      const numbers = series.flatMap(({ values }) => values.map(Number));
      const shown = numbers.filter(Number.isFinite).at(-1);
      if (shown === undefined) left.push(one);
      else t.comment(`${place}: ${series.length} series, the last with ${Number(shown.toPrecision(3))}`);
    }
  }
  return left;
}

/** What a reader can choose from. */
async function variables(t: Test, name: string, prometheus: PrometheusApi): Promise<void> {
  for (const variable of operatorsDashboard(name).templating.list) {
    if (variable.type !== 'query') continue;
    const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(variable.query) ?? [];
    const found = await prometheus.labelValues(label, interpolate(selector, VARIABLES));
    t.ok(found.length > 0, `${name}: ${variable.name} is one of ${found}`);
  }
}
