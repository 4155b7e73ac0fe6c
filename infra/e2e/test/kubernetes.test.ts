import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { apiSettings, ingestSettings, intakeSettings, opsSettings, readSettings } from '@calltally/settings';
import { obtainHelm } from '@calltally/stack/testing';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { type Test, test } from 'tap';
import { parseAllDocuments } from 'yaml';
import { OPERATORS, operatorsDashboard } from '../src/grafana/dashboards.ts';

const CHART = fileURLToPath(new URL('../../kubernetes', import.meta.url));
const CALLTALLY = fileURLToPath(new URL('../../../services/ops/bin/calltally.js', import.meta.url));
const schemas = new URL('../fixtures/kubernetes-schemas/', import.meta.url);
const schemaOf = (name: string) => JSON.parse(readFileSync(new URL(`${name}.json`, schemas), 'utf8'));

const BROKERS = ['--set', 'settings.KAFKA_BROKERS=kafka:9092'];
/** Everything that can be turned on. */
const FULL = {
  image: { registry: 'registry.example.com/', tag: '1.2.3', pullSecrets: ['registry'] },
  settings: { KAFKA_BROKERS: 'a:9092,b:9092', KAFKA_SSL: true, DRAIN_SECONDS: 20, COUNTERS_DETAIL: 'off' },
  secrets: {
    MONGODB_URI: { secret: 'stores', key: 'mongo' },
    REDIS_URL: { secret: 'stores', key: 'redis' },
    KAFKA_SSL_KEY: { secret: 'kafka', key: 'tls.key' },
    KAFKA_SSL_CERT: { secret: 'kafka', key: 'tls.crt' },
    HOOK_KEYS: { secret: 'hooks', key: 'keys' },
  },
  files: [{ secret: 'mongo-tls', path: '/etc/calltally/mongo' }],
  api: { maxReplicas: 10 },
  intake: { maxReplicas: 4 },
  ingest: { keda: { enabled: true, authentication: 'kafka' } },
  upgrade: { enabled: true },
  monitoring: { enabled: true, labels: { release: 'prometheus' } },
  grafana: { dashboards: true },
  networkPolicy: {
    clients: [{ namespaceSelector: { matchLabels: { name: 'ingress' } } }],
    monitoring: [{ namespaceSelector: { matchLabels: { name: 'monitoring' } } }],
  },
  podAnnotations: { 'example.com/a': 'b' },
  nodeSelector: { disk: 'ssd' },
  tolerations: [{ key: 'calls', operator: 'Exists' }],
};
const full = [
  '--set-json',
  ...Object.entries(FULL).map(([name, value]) => `${name}=${JSON.stringify(value)}`),
].flatMap((one, i) => (i === 0 ? [] : ['--set-json', one]));

interface Container {
  name: string;
  image: string;
  command?: string[];
  env: { name: string; value?: string; valueFrom?: { secretKeyRef: { name: string; key: string } } }[];
  securityContext: Record<string, unknown>;
  resources: { requests: object; limits: object };
  ports?: { name: string; containerPort: number }[];
  livenessProbe?: { httpGet: { path: string; port: string } };
  readinessProbe?: { httpGet: { path: string; port: string } };
}

interface PodSpec {
  securityContext: Record<string, unknown>;
  automountServiceAccountToken: boolean;
  terminationGracePeriodSeconds: number;
  initContainers?: Container[];
  containers: Container[];
}

interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string };
  spec: Record<string, unknown>;
}

async function helm(t: Test, ...args: string[]): Promise<{ out: string; err: string; status: number }> {
  const command = await obtainHelm((line) => t.comment(line));
  return promisify(execFile)(command, args).then(
    ({ stdout, stderr }) => ({ out: stdout, err: stderr, status: 0 }),
    ({ stdout, stderr, code }) => ({ out: stdout, err: stderr, status: code }),
  );
}

async function rendered(t: Test, ...values: string[]): Promise<KubernetesObject[]> {
  const { out, err, status } = await helm(t, 'template', 'demo', CHART, ...values);
  t.equal(status, 0, err);
  return parseAllDocuments(out)
    .map((document) => document.toJS())
    .filter((object) => object !== null);
}

function podOf({ kind, spec }: KubernetesObject): PodSpec | undefined {
  if (!['Deployment', 'Job'].includes(kind)) return undefined;
  return (spec as { template: { spec: PodSpec } }).template.spec;
}

/** By kind, what checks an object. */
function validators(version: string): Map<string, ValidateFunction> {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false });
  ajv.addSchema(schemaOf(`kubernetes-${version}`), 'k8s');
  const known = { ScaledObject: 'keda-scaledobject', PodMonitor: 'podmonitor' };
  const groups = {
    Deployment: 'apps.v1',
    Service: 'core.v1',
    ServiceAccount: 'core.v1',
    ConfigMap: 'core.v1',
    PodDisruptionBudget: 'policy.v1',
    HorizontalPodAutoscaler: 'autoscaling.v2',
    NetworkPolicy: 'networking.v1',
    Job: 'batch.v1',
  };
  return new Map([
    ...Object.entries(known).map(([kind, name]) => [kind, ajv.compile(schemaOf(name))] as const),
    ...Object.entries(groups).map(
      ([kind, group]) => [kind, ajv.compile({ $ref: `k8s#/$defs/io.k8s.api.${group}.${kind}` })] as const,
    ),
  ]);
}

test('helm finds nothing to object to, and every object satisfies the schemas of Kubernetes', async (t) => {
  for (const values of [BROKERS, full]) {
    const { out, status } = await helm(t, 'lint', '--strict', CHART, ...values);
    t.equal(status, 0, out);
    const objects = await rendered(t, ...values);
    t.ok(objects.length >= 11, `${objects.length} objects`);
    for (const version of ['1.29', '1.37']) {
      const byKind = validators(version);
      for (const object of objects) {
        const validate = byKind.get(object.kind)!;
        validate(object);
        t.same(validate.errors, null, `${version}: ${object.kind} ${object.metadata.name}`);
      }
    }
  }
  const deployment = (await rendered(t, ...BROKERS)).find(({ kind }) => kind === 'Deployment');
  const validate = validators('1.37').get('Deployment')!;
  const wrong = structuredClone(deployment!);
  Object.assign(podOf(wrong)!.containers[0]!, { livenesProbe: {} });
  t.equal(validate(wrong), false, 'and the schema would refuse a misspelt member');
});

test('each service gets the settings that it reads, and can start with them', async (t) => {
  for (const [values, registry] of [
    [BROKERS, 'calltally'],
    [full, 'registry.example.com/calltally'],
  ] as const) {
    const objects = await rendered(t, ...values);
    for (const [name, fragments] of [
      ['api', apiSettings],
      ['ingest', ingestSettings],
      ['intake', intakeSettings],
    ] as const) {
      const pod = podOf(
        objects.find(({ kind, metadata }) => kind === 'Deployment' && metadata.name === `demo-${name}`)!,
      )!;
      const [container] = pod.containers as [Container];
      t.match(container.image, `${registry}/${name}:`);
      const secrets: Record<string, string> = {
        MONGODB_URI: 'mongodb://mongo/calltally',
        REDIS_URL: 'redis://redis:6379',
        HOOK_KEYS: `1:${Buffer.alloc(32).toString('base64')}`,
      };
      const environment = Object.fromEntries(
        container.env.map(({ name, value }) => [name, value ?? secrets[name] ?? '']),
      );
      // Of a certificate and its key only names are known here.
      const { KAFKA_SSL_KEY, KAFKA_SSL_CERT, ...rest } = environment;
      t.doesNotThrow(() => readSettings(fragments, rest), name);
      t.same(
        pod.initContainers!.map(({ command }) => command?.at(-1)),
        ['--check-config'],
      );
      t.same(pod.initContainers![0]!.env, container.env, `${name}: what is checked is what it gets`);
      const ports = new Map(container.ports!.map(({ name, containerPort }) => [name, String(containerPort)]));
      t.equal(
        ports.get('management'),
        environment.MANAGEMENT_PORT ?? environment.INGEST_PORT ?? environment.INTAKE_MANAGEMENT_PORT,
      );
      if (ports.has('http')) t.equal(ports.get('http'), environment.PORT ?? environment.INTAKE_PORT);
      t.match(container, {
        livenessProbe: { httpGet: { path: '/healthz', port: 'management' } },
        readinessProbe: { httpGet: { path: '/readyz', port: 'management' } },
      });
      const drainMs = 1_000 * Number(environment.DRAIN_SECONDS ?? (name === 'ingest' ? 0 : 10));
      t.ok(
        pod.terminationGracePeriodSeconds * 1_000 >= drainMs + 15_000,
        `${name}: is not killed while it drains`,
      );
    }
  }
  const job = podOf((await rendered(t, ...full)).find(({ kind }) => kind === 'Job')!)!;
  const environment = Object.fromEntries(
    job.containers[0]!.env.map(({ name, value }) => [name, value ?? '']),
  );
  const { KAFKA_SSL_KEY, KAFKA_SSL_CERT, HOOK_KEYS, ...rest } = environment;
  t.doesNotThrow(() => readSettings(opsSettings, rest), 'so does the job that upgrades');
  const [calltally, ...args] = job.containers[0]!.command!;
  t.equal(calltally, 'calltally');
  // Without engines it gets no further than to ask for them.
  const nowhere = { KAFKA_BROKERS: '127.0.0.1:1', MONGODB_URI: 'mongodb://127.0.0.1:1/calltally' };
  const refused = await promisify(execFile)(process.execPath, [CALLTALLY, ...args], { env: nowhere }).catch(
    ({ stderr }) => String(stderr),
  );
  t.match(refused, 'KAFKA_UNAVAILABLE', 'its command is one that calltally takes');
});

test('no process is root, writes to its image, or may talk to Kubernetes', async (t) => {
  for (const object of await rendered(t, ...full)) {
    const pod = podOf(object);
    if (pod === undefined) continue;
    const { name } = object.metadata;
    t.match(
      pod.securityContext,
      { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      name,
    );
    t.equal(pod.automountServiceAccountToken, false);
    for (const container of [...(pod.initContainers ?? []), ...pod.containers]) {
      t.match(container.securityContext, {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      t.match(container.resources, { requests: { cpu: /\d/, memory: /\d/ }, limits: { memory: /\d/ } });
    }
  }
});

test('secrets are named and never written', async (t) => {
  const objects = await rendered(t, ...full);
  const api = podOf(
    objects.find(({ metadata, kind }) => kind === 'Deployment' && metadata.name === 'demo-api')!,
  )!;
  const from = api.containers[0]!.env.find(({ name }) => name === 'MONGODB_URI');
  t.same(from, { name: 'MONGODB_URI', valueFrom: { secretKeyRef: { name: 'stores', key: 'mongo' } } });
  t.notOk(
    api.containers[0]!.env.some(({ name }) => name.startsWith('KAFKA_') || name === 'HOOK_KEYS'),
    'only where they are read',
  );
});

test('dashboards are as they are delivered, and only on demand', async (t) => {
  const mapOf = (objects: KubernetesObject[]) => objects.find(({ kind }) => kind === 'ConfigMap');
  t.equal(mapOf(await rendered(t, ...BROKERS)), undefined);
  const map = mapOf(await rendered(t, ...full)) as unknown as { metadata: object; data: object };
  t.match(map.metadata, { labels: { grafana_dashboard: '1' } });
  const delivered = OPERATORS.map((name) => [`calltally-${name}.json`, operatorsDashboard(name)]);
  const found = Object.entries(map.data).map(([name, text]) => [name, JSON.parse(text)]);
  t.same(Object.fromEntries(found), Object.fromEntries(delivered));
});

test('wrong values are refused with the value and the remedy', async (t) => {
  const refused = async (...values: string[]) => {
    const { err, status } = await helm(t, 'template', 'demo', CHART, ...BROKERS, ...values);
    t.not(status, 0);
    return err;
  };
  t.match(await refused('--set', 'settings.KAFKA_BROKER=kafka:9092'), /KAFKA_BROKER: no such setting/);
  t.match(await refused('--set', 'settings.PORT=80'), /PORT: the chart sets it itself/);
  t.match(await refused('--set', 'settings.REDIS_PASSWORD=hush'), /settings\.REDIS_PASSWORD: it is a secret/);
  t.match(
    await refused('--set', 'settings.MONGODB_URI=mongodb://me:hush@mongo'),
    /settings\.MONGODB_URI: it has a password/,
  );
  t.match(await refused('--set', 'settings.KAFKA_BROKERS='), /settings\.KAFKA_BROKERS: missing/);
  t.match(
    await refused('--set-json', 'secrets={"KAFKA_BROKERS":{"secret":"a","key":"b"}}'),
    /given as a setting and as a secret/,
  );
  t.match(await refused('--set', 'api.replica=3'), /replica/, 'a misspelt value');
  t.match(
    await refused('--set', 'secrets.MONGODB_URI=mongodb://mongo'),
    /MONGODB_URI/,
    'a value in place of a reference',
  );
});
