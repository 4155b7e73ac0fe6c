import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Certificates, makeCertificates, type ServerTls } from './certificates.ts';
import type { Engine, EngineOptions } from './engine.ts';
import { uniqueFolder } from './folder.ts';
import { startKafka } from './kafka.ts';
import { type KafkaCluster, startKafkaCluster } from './kafka-cluster.ts';
import { startMongo } from './mongo.ts';
import { CHROMIUM, HAPROXY, KCAT, NGINX, obtainTool, PROMTOOL } from './obtain/tools.ts';
import { drawPort } from './ports.ts';
import { type Prometheus, startPrometheus } from './prometheus.ts';
import { startRedis } from './redis.ts';
import { type RedisCluster, type RedisClusterOptions, startRedisCluster } from './redis-cluster.ts';
import { type ClusterSecurity, startSecuredRedisCluster } from './secured-redis-cluster.ts';
import { fromEnvironment } from './stack.ts';

export { obtainActionlint, obtainHelm } from './obtain/go-commands.ts';
export { drawPort, hasIpv6 } from './ports.ts';
export type { Prometheus } from './prometheus.ts';
export { resetConnection } from './reset-connection.ts';

/** The part of tap's `t` that is used here. */
export interface Test {
  teardown(step: () => unknown): void;
}

/** Asks again, at least 100 s long, until `judge` accepts the answer. @returns the last answer */
export async function until<T>(ask: () => T | Promise<T>, judge: (last: T) => boolean): Promise<T> {
  let last = await ask();
  for (let step = 0; step < 5_000 && !judge(last); step++) {
    await sleep(20);
    last = await ask();
  }
  return last;
}

/** The path of Chromium or Chrome, for tests of the page. Rejects with StackError. */
export const obtainChromium = () => obtainTool(CHROMIUM);

/** The path of kcat, a client based on librdkafka, for tests with a foreign client. Rejects with StackError. */
export const obtainKcat = () => obtainTool(KCAT);

/** The paths of nginx and haproxy, for tests behind a load balancer. Reject with StackError. */
export const obtainNginx = () => obtainTool(NGINX);
export const obtainHaproxy = () => obtainTool(HAPROXY);

/** The path of promtool, which checks Prometheus' files. Rejects with StackError. */
export const obtainPromtool = () => obtainTool(PROMTOOL);

/** A Prometheus for this test alone. It stops when `t` ends. @param config the text of `prometheus.yml` */
export async function testPrometheus(t: Test, config: string): Promise<Prometheus> {
  const port = await drawPort();
  return own(t, (options) => startPrometheus({ ...options, port, config }));
}

/** The Kafka that KAFKA_BROKERS names, shared with other tests. Otherwise a new one that stops when `t` ends. */
export async function testKafka(t: Test): Promise<Engine> {
  return fromEnvironment('kafka') ?? own(t, startKafka);
}

/** A Kafka of three nodes for this test alone. It stops when `t` ends. */
export async function testKafkaCluster(t: Test): Promise<KafkaCluster> {
  return own(t, startKafkaCluster);
}

/** The Mongo that MONGODB_URI names, shared with other tests. Otherwise a new one that stops when `t` ends. */
export async function testMongo(t: Test): Promise<Engine> {
  return fromEnvironment('mongo') ?? own(t, startMongo);
}

/** A Redis for this test alone. It stops when `t` ends. `args` and `tls` as for startRedis. */
export async function testRedis(t: Test, args: string[] = [], tls?: ServerTls): Promise<Engine> {
  return own(t, (options) => startRedis({ ...options, args, tls }));
}

/** Certificates in a folder that is removed when `t` ends. */
export async function testCertificates(t: Test): Promise<Certificates> {
  const folder = await uniqueFolder();
  t.teardown(() => folder.remove());
  return makeCertificates(folder.path('certificates'));
}

/** A Redis Cluster for this test alone. It stops when `t` ends. */
export async function testRedisCluster(
  t: Test,
  options: Omit<RedisClusterOptions, 'dataDir'> = {},
): Promise<RedisCluster> {
  return own(t, (engine) => startRedisCluster({ ...engine, ...options }));
}

/** Where three masters of a secured Redis Cluster for this test alone are. They stop when `t` ends. */
export async function testSecuredRedisCluster(
  t: Test,
  security: ClusterSecurity,
): Promise<{ host: string; port: number }[]> {
  return startSecuredRedisCluster(security, (args) => testRedis(t, args, security.tls));
}

/** A unique name for a topic, a database or a user. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${randomBytes(6).toString('hex')}`;
}

async function own<E extends Pick<Engine, 'stop'>>(
  t: Test,
  start: (options: EngineOptions) => Promise<E>,
): Promise<E> {
  const folder = await uniqueFolder();
  let engine: E | undefined;
  t.teardown(async () => {
    await engine?.stop('SIGKILL'); // its data is not needed any more
    await folder.remove();
  });
  engine = await start({ dataDir: folder.path('engine') });
  return engine;
}
