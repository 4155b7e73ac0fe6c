import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { apiSettings, ingestSettings, intakeSettings, readSettings, variablesOf } from '@calltally/settings';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { test } from 'tap';
import { parse } from 'yaml';

interface Service {
  readonly image: string;
  readonly user?: string;
  readonly restart?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string; readonly target: string };
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string | number>>;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly stop_grace_period?: string;
}

const root = new URL('../../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const compose = parse(read('docker-compose.yml'), { merge: true });
const services = compose.services as Record<
  'kafka' | 'redis' | 'mongodb' | 'api' | 'ingest' | 'intake',
  Service
>;
const dockerfile = read('infra/docker/Dockerfile');

/** The environment of a container when the shell that starts Compose sets nothing. */
function environmentOf({ environment = {} }: Service): Record<string, string> {
  const filled = Object.entries(environment).map(([name, value]) => [
    name,
    String(value).replace(/\$\{\w+:-([^}]*)\}/g, '$1'),
  ]);
  return Object.fromEntries(filled);
}

test('docker-compose.yml follows the Compose Specification', (t) => {
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
  const validate = ajv.compile(JSON.parse(read('infra/e2e/fixtures/compose-spec/compose-spec.json')));
  validate(compose);
  t.same(validate.errors, null);

  validate({ services: { api: { image: 'x', healthcheck: { intervall: '5s' } } } });
  t.not(validate.errors, null, 'and the schema would refuse a misspelt member');
  t.end();
});

test('it starts the engines and the three services, and nothing else', (t) => {
  t.same(Object.keys(services), ['kafka', 'redis', 'mongodb', 'api', 'ingest', 'intake']);
  t.end();
});

test('services get only variables that they read, with valid values', (t) => {
  for (const [name, fragments] of [
    ['api', apiSettings],
    ['ingest', ingestSettings],
    ['intake', intakeSettings],
  ] as const) {
    const environment = environmentOf(services[name]);
    const known = variablesOf(fragments);
    t.same(
      Object.keys(environment).filter((variable) => !known.includes(variable)),
      [],
      `${name} reads each`,
    );
    t.doesNotThrow(() => readSettings(fragments, environment), `${name} takes them`);
  }
  t.end();
});

test('services use the same stores, by container name', (t) => {
  const api = readSettings(apiSettings, environmentOf(services.api));
  const ingest = readSettings(ingestSettings, environmentOf(services.ingest));
  t.same(api.redis, { url: 'redis://redis:6379' });
  t.same(ingest.redis, api.redis);
  const intake = readSettings(intakeSettings, environmentOf(services.intake));
  t.same(ingest.mongo, api.mongo);
  t.same(intake.mongo, api.mongo);
  t.same(intake.kafka, ingest.kafka);
  t.equal(new URL(api.mongo.uri).hostname, 'mongodb');
  t.same(ingest.kafka.brokers, ['kafka:19092']);
  t.match(services.kafka.environment?.KAFKA_ADVERTISED_LISTENERS, 'INSIDE://kafka:19092');
  t.end();
});

test('services listen on every address inside, and are published on 127.0.0.1 only', (t) => {
  for (const { ports = [] } of Object.values(services))
    for (const port of ports) t.match(port, /^127\.0\.0\.1:/);
  const api = readSettings(apiSettings, environmentOf(services.api));
  const ingest = readSettings(ingestSettings, environmentOf(services.ingest));
  t.same(services.api.ports, [`127.0.0.1:\${PORT:-3000}:${api.http.port}`]);
  t.same(services.ingest.ports, [`127.0.0.1:\${INGEST_PORT:-3001}:${ingest.http.port}`]);
  t.equal(api.http.host, '0.0.0.0');
  t.equal(ingest.http.host, '0.0.0.0');
  const intake = readSettings(intakeSettings, environmentOf(services.intake));
  t.same(services.intake.ports, [`127.0.0.1:\${INTAKE_PORT:-3002}:${intake.http.port}`]);
  t.equal(intake.http.host, '0.0.0.0');
  t.end();
});

test('a service waits until each store it needs is healthy, without cycles', (t) => {
  const needs = Object.fromEntries(
    Object.entries(services).map(([name, { depends_on = {} }]) => [name, depends_on]),
  );
  t.same(needs, {
    kafka: {},
    redis: {},
    mongodb: {},
    api: { redis: { condition: 'service_healthy' }, mongodb: { condition: 'service_healthy' } },
    ingest: {
      kafka: { condition: 'service_healthy' },
      redis: { condition: 'service_healthy' },
      mongodb: { condition: 'service_healthy' },
    },
    intake: {
      kafka: { condition: 'service_healthy' },
      mongodb: { condition: 'service_healthy' },
      ingest: { condition: 'service_healthy' },
    },
  });
  t.end();
});

test('every container has a health check, restarts after a crash and does not run as root', (t) => {
  for (const [name, service] of Object.entries(services)) {
    t.ok(service.healthcheck?.test.length, `${name}: health check`);
    t.equal(service.restart, 'unless-stopped', `${name}: restart`);
    t.ok(service.user && !/^(root|0)(:|$)/.test(service.user), `${name}: user`);
  }
  t.end();
});

test('engines keep their data in named volumes, all declared and used', (t) => {
  const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes);
  t.same(mounts.map((mount) => mount.split(':')[0]).sort(), Object.keys(compose.volumes).sort());
  for (const name of ['kafka', 'redis', 'mongodb'] as const) t.ok(services[name].volumes?.length, name);
  t.end();
});

test('Redis persists its data and evicts nothing', (t) => {
  const command = services.redis.command?.join(' ');
  t.match(command, '--appendonly yes');
  t.match(command, '--maxmemory-policy noeviction');
  t.end();
});

test('services have longer to stop than their own limits: 10 s, after the drain of the API', (t) => {
  const secondsOf = ({ stop_grace_period = '0s' }: Service) => Number.parseInt(stop_grace_period, 10);
  const { drain } = readSettings(apiSettings, environmentOf(services.api));
  t.ok(secondsOf(services.api) >= drain.ms / 1_000 + 15);
  t.ok(secondsOf(services.ingest) >= 15);
  const intake = readSettings(intakeSettings, environmentOf(services.intake));
  t.ok(secondsOf(services.intake) >= intake.drain.ms / 1_000 + 15);
  t.end();
});

test('Compose and npm start run the same Kafka', (t) => {
  const version = /<kafka\.version>(.+)<\/kafka\.version>/.exec(read('infra/kafka/pom.xml'))?.[1];
  t.equal(services.kafka.image, `apache/kafka:${version}`);
  t.end();
});

test('images are built from Dockerfiles and stages that exist', (t) => {
  const stages = [...dockerfile.matchAll(/^FROM \S+ AS (\S+)$/gm)].map(([, stage]) => stage);
  for (const { build } of [services.api, services.ingest, services.intake]) {
    t.equal(build?.context, '.');
    t.ok(build && existsSync(new URL(build.dockerfile, root)), 'Dockerfile');
    t.ok(stages.includes(build?.target), `stage ${build?.target}`);
  }
  for (const [, words = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)) {
    for (const source of words.split(' ').slice(0, -1)) t.ok(existsSync(new URL(source, root)), source);
  }
  t.end();
});

test('patches of packages are copied before packages are installed', (t) => {
  const [before = ''] = dockerfile.split('pnpm fetch');
  const patches: string[] = Object.values(parse(read('pnpm-workspace.yaml')).patchedDependencies);
  for (const patch of patches) t.match(before, `\nCOPY ${dirname(patch)} ${dirname(patch)}/\n`, patch);
  t.end();
});

test('images run as node, and check their health on the port from the settings', (t) => {
  const stages = dockerfile.split(/^FROM /m);
  const stage = (name: string) => stages.find((text) => text.includes(` AS ${name}\n`)) ?? '';
  t.match(stage('run'), /^USER node$/m);
  const { port } = readSettings(apiSettings, {}).http;
  t.match(stage('api'), `"http://127.0.0.1:\${MANAGEMENT_PORT:-\${PORT:-${port}}}/healthz"`);
  t.match(stage('ingest'), `http://127.0.0.1:${readSettings(ingestSettings, {}).http.port}/healthz`);
  const intakePort = readSettings(intakeSettings, {}).http.port;
  t.match(
    stage('intake'),
    `"http://127.0.0.1:\${INTAKE_MANAGEMENT_PORT:-\${INTAKE_PORT:-${intakePort}}}/healthz"`,
  );
  for (const name of ['api', 'ingest', 'intake']) {
    t.match(stage(name), `CMD ["node", "services/${name}/dist/main.js"]`);
    t.notMatch(stage(name), /^USER/m);
  }
  t.end();
});

test('the image builds the page that the API serves from source', (t) => {
  const build = dockerfile.split(/^FROM /m).find((text) => text.includes(' AS build\n')) ?? '';
  t.match(build, /^COPY services services$/m);
  t.match(build, 'pnpm --filter @calltally/web run build');
  const { dependencies } = JSON.parse(read('services/api/package.json'));
  t.ok('@calltally/web' in dependencies, 'the API finds it as a package');
  t.notOk(
    'dependencies' in JSON.parse(read('services/web/package.json')),
    'and it has no runtime dependencies',
  );
  t.end();
});

test('the build ignores nothing that it copies', (t) => {
  const ignored = read('.dockerignore')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  for (const [, words = ''] of dockerfile.matchAll(/^COPY (?!--from)(.+)$/gm)) {
    for (const source of words.split(' ').slice(0, -1)) t.notOk(ignored.includes(source), source);
  }
  t.ok(ignored.includes('**/node_modules') && ignored.includes('.calltally'));
  t.end();
});
