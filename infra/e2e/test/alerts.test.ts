import { readFileSync } from 'node:fs';
import { buildApp, createBackend } from '@calltally/api';
import { buildHttp, createIngestMetrics } from '@calltally/ingest';
import type { Test } from '@calltally/stack/testing';
import { createLogger, createMetrics, type Registry } from '@calltally/telemetry';
import { test } from 'tap';
import { parse } from 'yaml';
import { groupedLabels, selectorsOf } from '../src/metrics.ts';

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
/** Prometheus adds these to every sample that it scrapes. */
const ADDED = ['job', 'instance'];

/** Labels by metric, as a registry serves them. */
function servedBy(registry: Registry): [metric: string, labels: string[]][] {
  return registry.getMetricsAsArray().flatMap((metric): [string, string[]][] => {
    const { labelNames = [] } = metric as { labelNames?: readonly string[] };
    const labels = [...labelNames, 'service', ...ADDED];
    if (!('buckets' in metric)) return [[metric.name, labels]];
    const parts = ['sum', 'count'].map((part): [string, string[]] => [`${metric.name}_${part}`, labels]);
    return [...parts, [`${metric.name}_bucket`, [...labels, 'le']]];
  });
}

/** The metrics that both services serve at /metrics. The services are assembled, but connect to nothing. */
async function servedMetrics(t: Test): Promise<Map<string, string[]>> {
  const logger = createLogger({ service: 'api', level: 'silent' });
  const backend = createBackend(
    { redis: { url: 'redis://127.0.0.1:1' }, mongo: { uri: 'mongodb://127.0.0.1:1/calltally' } },
    logger,
  );
  const metrics = createMetrics('api');
  const api = await buildApp({ ...backend, logger, metrics });
  const { registry } = createIngestMetrics();
  const ingest = buildHttp({
    registry,
    readiness: () => ({ joined: false, counting: false, partitions: [], held: [] }),
  });
  t.teardown(() => Promise.all([api.close(), ingest.close(), backend.stop()]));
  return new Map([...servedBy(metrics), ...servedBy(registry)]);
}

test('every alert uses metrics and labels that ingest or the API serves', async (t) => {
  const served = await servedMetrics(t);
  for (const { alert, expr, annotations } of rules) {
    const selectors = selectorsOf(expr);
    t.ok(selectors.length > 0, `${alert} asks for something`);
    for (const { metric, labels } of selectors) {
      const known = served.get(metric);
      if (known === undefined) t.fail(`${alert}: no service serves ${metric}`);
      for (const label of labels) t.ok(known?.includes(label), `${alert}: ${metric} has ${label}`);
    }
    const all = new Set(selectors.flatMap(({ metric }) => served.get(metric) ?? []));
    for (const label of groupedLabels(expr)) t.ok(all.has(label), `${alert} groups by ${label}`);
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
