import { readFileSync } from 'node:fs';
import { Ajv, type ValidateFunction } from 'ajv';
import { test } from 'tap';
import { parse } from 'yaml';
import {
  type Dashboard,
  type GridPos,
  interpolate,
  OPERATORS,
  operatorsDashboard,
  panelsOf,
  userDashboard,
} from '../src/grafana/dashboards.ts';
import { groupedLabels, selectorsOf } from '../src/metrics.ts';
import { notServed, servedMetrics } from '../src/served-metrics.ts';

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const operators = OPERATORS.map((name) => operatorsDashboard(name));
const all: Dashboard[] = [...operators, userDashboard()];
const RUNBOOK = 'https://github.com/calltally/calltally/blob/main/docs/operations.md#';

const CHOSEN = `\${datasource}`;

/** As Grafana fills them in when everything is chosen and three hours are shown. */
const VARIABLES = { job: '.+', instance: '.+', __rate_interval: '1m', __range: '3h' };

/** By name, what checks a part of a dashboard. */
function validators() {
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const schemaOf = (name: string) => JSON.parse(read(`infra/e2e/fixtures/grafana-schemas/${name}.json`));
  const part = (name: string, definition: string): ValidateFunction => {
    // Grafana adds the members that it requires when it opens a dashboard: these schemas tell them from misspelt ones.
    const text = JSON.stringify({ ...schemaOf(name), $ref: `#/definitions/${definition}` });
    return ajv.compile(
      JSON.parse(text, (key, value) => (key === 'required' && Array.isArray(value) ? undefined : value)),
    );
  };
  const types = ['stat', 'timeseries', 'bargauge', 'table'];
  return {
    dashboard: ajv.compile(schemaOf('dashboard')),
    target: ajv.compile(schemaOf('prometheus')),
    options: new Map(types.map((type) => [type, part(type, 'Options')])),
    custom: new Map([['timeseries', part('timeseries', 'FieldConfig')]]),
  };
}

test("dashboards follow Grafana's schemas", (t) => {
  const { dashboard: follows, target: isQuery, options, custom } = validators();
  for (const dashboard of all) {
    follows(dashboard);
    t.same(follows.errors, null, dashboard.title);
    for (const panel of panelsOf(dashboard)) {
      const shown = `${dashboard.title}: ${panel.title}`;
      const hasOptions = options.get(panel.type);
      if (hasOptions === undefined) t.fail(`${shown}: no schema for ${panel.type}`);
      hasOptions?.(panel.options);
      t.same(hasOptions?.errors, null, `${shown}: options`);
      const hasCustom = custom.get(panel.type);
      hasCustom?.(panel.fieldConfig?.defaults.custom);
      t.same(hasCustom?.errors ?? null, null, `${shown}: fields`);
    }
  }
  for (const panel of operators.flatMap(panelsOf)) {
    for (const target of panel.targets ?? []) {
      isQuery(target);
      t.same(isQuery.errors, null, `${panel.title} ${target.refId}`);
    }
  }
  t.notOk(follows({ ...all[0], panells: [] }), 'and the schema would refuse a misspelt member');
  t.notOk(options.get('stat')?.({ colourMode: 'value' }), 'also of options');
  t.end();
});

test('panels have their own id and place, a unit, and a description', (t) => {
  for (const dashboard of all) {
    const ids = dashboard.panels.map(({ id }) => id);
    t.equal(new Set(ids).size, ids.length, `${dashboard.title}: ids`);
    for (const [i, one] of dashboard.panels.entries()) {
      const { x, w } = one.gridPos;
      t.ok(x >= 0 && x + w <= 24, `${dashboard.title}: ${one.title} lies within the grid`);
      for (const other of dashboard.panels.slice(i + 1)) {
        if (overlap(one.gridPos, other.gridPos)) t.fail(`${one.title} overlaps ${other.title}`);
      }
    }
    for (const { title, description, fieldConfig, targets } of panelsOf(dashboard)) {
      t.ok(title && description && fieldConfig?.defaults.unit, `${dashboard.title}: ${title} is explained`);
      t.ok(targets?.length, `${dashboard.title}: ${title} shows something`);
    }
  }
  t.equal(new Set(all.map(({ uid }) => uid)).size, all.length, 'dashboards have their own uid');
  t.end();
});

function overlap(a: GridPos, b: GridPos): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

test('every panel for operators links to a section of the runbook', (t) => {
  const anchors = [...read('docs/operations.md').matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
  const linked = new Set<string>();
  for (const { title, description = '' } of operators.flatMap(panelsOf)) {
    const links = [...description.matchAll(/\]\(([^)]+)\)/g)].map(([, url = '']) => url);
    t.ok(links.length > 0, `${title} has a link`);
    for (const url of links) {
      t.ok(url.startsWith(RUNBOOK) && anchors.includes(url.slice(RUNBOOK.length)), `${title}: ${url}`);
      linked.add(url.slice(RUNBOOK.length));
    }
  }
  const alerts = [...read('docs/operations.md').matchAll(/^### (Calltally\w+)$/gm)].map(
    ([, name = '']) => name,
  );
  for (const alert of alerts) t.ok(linked.has(alert.toLowerCase()), `a panel shows what ${alert} is about`);
  t.end();
});

test('every query for operators uses metrics and labels that a service serves', async (t) => {
  const served = await servedMetrics(t);
  for (const dashboard of operators) {
    const shown = new Map<string, string>();
    for (const { title, targets = [] } of panelsOf(dashboard)) {
      for (const { refId, expr, legendFormat = '' } of targets) {
        shown.set(`${title} ${refId}`, interpolate(expr, VARIABLES));
        const inLegend = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label);
        const isSummed = /\b(?:sum|min|max|count|histogram_quantile)\b/.test(expr);
        for (const label of inLegend)
          t.ok(!isSummed || groupedLabels(expr).includes(label), `${title}: the result has ${label}`);
      }
    }
    for (const { name, type, query } of dashboard.templating.list) {
      const [, selector, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
      if (type !== 'query') continue;
      shown.set(`variable ${name}`, interpolate(`${selector} * on (${label}) group_left () up`, VARIABLES));
    }
    for (const [where, expression] of shown) {
      t.ok(selectorsOf(expression).length > 0, `${where} asks for something`);
      t.same(notServed(expression, served), [], where);
    }
  }
});

test('provisioning brings the data sources that dashboards choose from, and sends the key nowhere else', (t) => {
  const { datasources } = parse(read('infra/grafana/provisioning/datasources/calltally.yaml'));
  const wanted = all.flatMap(({ templating }) => templating.list.filter(({ type }) => type === 'datasource'));
  t.equal(wanted.length, all.length, 'each dashboard has a choice');
  const types = datasources.map(({ type }: { type: string }) => type);
  for (const { query } of wanted) t.ok(types.includes(query), query);
  for (const dashboard of all) {
    const named = JSON.stringify(dashboard.panels).matchAll(/"uid":"([^"]*)"/g);
    t.ok(
      [...named].every(([, uid]) => uid === CHOSEN),
      `${dashboard.title}: panels ask the chosen one`,
    );
  }
  const [, api] = datasources;
  t.same(api.jsonData.allowedHosts, [api.url]);
  t.match(api.secureJsonData.bearerToken, /^\$\w+$/, 'the key is not in the file');
  const [provider] = parse(read('infra/grafana/provisioning/dashboards/calltally.yaml')).providers;
  t.match(read('infra/grafana/README.md'), provider.options.path);
  t.end();
});

test('variables are put in place, and a missing one is told', (t) => {
  const values = { job: '.+', __range: '1h', 'x:date:iso': 'T' };
  t.equal(interpolate(`a{b=~"$job"}[$__range] \${x:date:iso}`, values), 'a{b=~".+"}[1h] T');
  t.throws(() => interpolate('$nobody', {}), /no value for \$nobody/);
  t.end();
});
