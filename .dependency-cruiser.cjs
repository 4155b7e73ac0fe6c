// Imports point inward (docs/design.md, "Layout"): services → ledger → store, counters → domain;
// contract → domain; domain → nothing. Whatever is not said to be allowed is refused.
const inward = {
  'packages/domain': [],
  'packages/telemetry': [],
  'packages/settings': [],
  'packages/tls': [],
  'packages/stack': [],
  'packages/client': [],
  'packages/contract': ['packages/(domain|tls)'],
  'packages/hooks': ['packages/(contract|domain)'],
  'packages/store': ['packages/(domain|telemetry|tls)'],
  'packages/counters': ['packages/(domain|telemetry|tls)'],
  'packages/http': ['packages/(domain|store|telemetry)'],
  'packages/ledger': ['packages/store', 'packages/counters', 'packages/domain'],
  'services/ingest': ['packages/(contract|counters|domain|ledger|settings|store|telemetry)'],
  'services/api': ['packages/(counters|domain|http|ledger|settings|store|telemetry)'],
  'services/intake': ['packages/(contract|domain|hooks|http|settings|store|telemetry)'],
  'services/ops': ['packages/(contract|counters|domain|hooks|ledger|settings|store|telemetry)'],
  'services/web': ['packages/(client|domain)'],
  'infra/dev': ['packages/(contract|settings|stack|store)'],
};

/** Only these folders may name the client of an engine, so that a successor is a change to one place. */
const clients = {
  kafkajs: '^(packages/contract|services/ingest|services/ops|infra/bench|infra/e2e)/',
  mongodb: '^(packages/store|infra/bench)/',
  '@opentelemetry': '^packages/telemetry/',
  ioredis: '^(packages/counters|services/api|infra/bench)/',
};

module.exports = {
  forbidden: [
    { name: 'no-cycle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    ...Object.entries(inward).map(([from, allowed]) => ({
      name: `inward: ${from}`,
      severity: 'error',
      from: { path: `^${from}/src/` },
      to: {
        path: '^(packages|services|infra)/',
        pathNot: [from, ...allowed].map((path) => `^${path}/`),
      },
    })),
    ...Object.entries(clients).map(([client, home]) => ({
      name: `client: ${client}`,
      severity: 'error',
      from: { path: '/src/', pathNot: home },
      to: { path: `(^|/)node_modules/(\\.pnpm/${client}@|${client}/)` },
    })),
    {
      name: 'stack-is-for-development',
      severity: 'error',
      from: { path: '^(packages|services)/[^/]+/src/', pathNot: '^packages/stack/' },
      to: { path: '^packages/stack/' },
    },
    {
      name: 'packages-by-their-door',
      comment: 'Another package is imported by its name, never by a path into it.',
      severity: 'error',
      from: { path: '^(packages|services|infra)/([^/]+)/' },
      to: {
        path: '^(packages|services|infra)/',
        pathNot: ['^$1/$2/', '^(packages|services)/[^/]+/src/(index|producer|testing)\\.ts$'],
      },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|\\.tap)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.test.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['calltally', 'import', 'node', 'default'],
    },
  },
};
