import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { parse } from 'yaml';
import { groupedLabels, selectorsOf } from '../src/metrics.ts';
import { notServed, servedMetrics } from '../src/served-metrics.ts';

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; description: string; runbook: string };
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const groups = parse(read('infra/prometheus/alerts.yml')).groups as { name: string; rules: Rule[] }[];
const rules = groups.flatMap((group) => group.rules);
test('every alert uses metrics and labels that a service serves', async (t) => {
  const served = await servedMetrics(t);
  for (const { alert, expr, annotations } of rules) {
    const selectors = selectorsOf(expr);
    t.ok(selectors.length > 0, `${alert} asks for something`);
    t.same(notServed(expr, served), [], alert);
    const all = new Set(selectors.flatMap(({ metric }) => served.get(metric) ?? []));
    for (const [, label = ''] of `${annotations.summary} ${annotations.description}`.matchAll(
      /\$labels\.(\w+)/g,
    )) {
      t.ok(all.has(label) && isKept(label, expr), `${alert} names ${label}`);
    }
  }
});

/** Whether the result of an expression still has a label. */
function isKept(label: string, expression: string): boolean {
  const aggregates = /\b(?:sum|min|max|count|avg)\b/.test(expression);
  return !aggregates || groupedLabels(expression).includes(label);
}

test('every alert has a severity and a section that explains it, and every section has its alert', (t) => {
  const sections = [...read('docs/operations.md').matchAll(/^#+ (Calltally\w+)$/gm)].map(
    ([, title]) => title!,
  );
  t.same(
    sections,
    rules.map(({ alert }) => alert),
    'the same alerts in the same order',
  );
  for (const { alert, labels, annotations } of rules) {
    t.match(labels.severity, /^(critical|warning)$/, alert);
    t.equal(annotations.runbook, `docs/operations.md#${alert.toLowerCase()}`);
    t.ok(annotations.summary && annotations.description, `${alert} says what happened`);
  }
  t.end();
});

test('finds the metrics and labels of an expression', (t) => {
  const expression =
    'sum by (code) (rate(a_total{b="c, d", e=~"f"}[5m]) unless a_total offset 1h) / on (x) time() > 0.2';
  t.same(selectorsOf(expression), [
    { metric: 'a_total', labels: ['b', 'e'] },
    { metric: 'a_total', labels: [] },
  ]);
  t.same(groupedLabels(expression), ['code', 'x']);
  t.end();
});
