import * as api from '@calltally/api';
import { buildHttp, createIngestMetrics } from '@calltally/ingest';
import * as intake from '@calltally/intake';
import { apiSettings, intakeSettings, readSettings } from '@calltally/settings';
import type { Test } from '@calltally/stack/testing';
import { createLogger, createMetrics, type Registry } from '@calltally/telemetry';
import { groupedLabels, selectorsOf } from './metrics.ts';

/** Prometheus adds these to every sample that it scrapes. */
const ADDED = ['job', 'instance'];
const NOWHERE = {
  KAFKA_BROKERS: '127.0.0.1:1',
  REDIS_URL: 'redis://127.0.0.1:1',
  MONGODB_URI: 'mongodb://127.0.0.1:1/calltally',
};
const WITH_TOKENS = {
  AUTH_JWKS_URL: 'https://127.0.0.1:1/keys',
  AUTH_ISSUER: 'issuer',
  AUTH_AUDIENCE: 'tally',
};

/**
 * The metrics that the services serve at /metrics, with their labels, and those that Prometheus makes itself. The services
 * are assembled, but connect to nothing.
 */
export async function servedMetrics(t: Test): Promise<Map<string, string[]>> {
  const logger = createLogger({ service: 'test', level: 'silent' });
  const { registry } = createIngestMetrics();
  const ingest = buildHttp({
    registry,
    readiness: () => ({ joined: false, counting: false, partitions: [], held: [] }),
  });
  const apiBackend = api.createBackend(readSettings(apiSettings, { ...NOWHERE, ...WITH_TOKENS }), logger);
  const ofApi = createMetrics('api');
  const apiApp = await api.buildApp({ ...apiBackend, logger, metrics: ofApi });
  const intakeBackend = intake.createBackend(readSettings(intakeSettings, NOWHERE), logger);
  const ofIntake = createMetrics('intake');
  const intakeApp = await intake.buildApp({
    ...intakeBackend,
    logger,
    metrics: ofIntake,
    topic: 'calls',
    hookKeys: [],
  });
  t.teardown(() => Promise.all([ingest.close(), apiApp.close(), intakeApp.close()]));
  t.teardown(() => Promise.all([apiBackend.stop(), intakeBackend.stop()]));
  return new Map([['up', ADDED], ...[registry, ofApi, ofIntake].flatMap(servedBy)]);
}

/** What an expression asks for in vain: metrics that nobody serves, and labels that they do not have. */
export function notServed(expression: string, served: ReadonlyMap<string, string[]>): string[] {
  const selectors = selectorsOf(expression);
  const selected = selectors.flatMap(({ metric, labels }) => {
    const known = served.get(metric);
    if (known === undefined) return [metric];
    return labels.filter((label) => !known.includes(label)).map((label) => `${metric}{${label}}`);
  });
  const all = new Set(selectors.flatMap(({ metric }) => served.get(metric) ?? []));
  const grouped = groupedLabels(expression).filter((label) => !all.has(label));
  return [...selected, ...grouped.map((label) => `by (${label})`)];
}

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
