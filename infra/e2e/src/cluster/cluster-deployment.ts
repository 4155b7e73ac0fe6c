import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ClusterStack, startBalancer, startClusterStack } from '@calltally/stack';
import type { Test } from '@calltally/stack/testing';
import { drawPort } from '@calltally/stack/testing';
import { Deployment } from '../deployment.ts';
import { whileConnected } from '../engines.ts';
import { Service } from '../service.ts';

const INGESTS = 3;
const APIS = 2;
const BROKERS = 3;
const POLL_MS = 200;
const IN_SYNC_WITHIN_MS = 60_000;

/** What `npm run cluster` starts, for trials: everything may be killed, moved, added and removed. */
export class ClusterDeployment extends Deployment {
  readonly stack: ClusterStack;
  readonly apis: Service[] = [];
  readonly ingests: Service[] = [];
  /** With those that were stopped for good. */
  readonly everyIngest: Service[] = [];
  readonly #folder: string;
  #balancer = '';

  private constructor(stack: ClusterStack, folder: string) {
    super({ kafka: stack.kafka.address, mongo: stack.mongo.address });
    this.stack = stack;
    this.#folder = folder;
  }

  /** Starts everything and waits until it is ready. Everything ends with `t`. */
  static async start(t: Test): Promise<ClusterDeployment> {
    const folder = mkdtempSync(join(tmpdir(), 'calltally-cluster-'));
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const stack = await startClusterStack({ dataDir: folder });
    t.teardown(() => stack.stop('SIGKILL'));
    const deployment = new ClusterDeployment(stack, folder);
    t.teardown(() => deployment.end());
    await deployment.scaleIngest(INGESTS);
    for (let i = 0; i < APIS; i++) {
      deployment.apis.push(await deployment.#service('api', { TRUST_PROXY: '127.0.0.1' }));
    }
    await Promise.all(deployment.apis.map((api) => api.start()));
    const balancer = await startBalancer({
      dataDir: join(folder, 'balancer'),
      port: await drawPort(),
      backends: deployment.apis.map(({ port }) => port),
    });
    t.teardown(() => balancer.stop('SIGKILL'));
    deployment.#balancer = balancer.address;
    return deployment;
  }

  /** The balancer. */
  get api(): { url: string } {
    return { url: this.#balancer };
  }

  get counters() {
    return { clusterNodes: this.stack.redis.nodes.map(({ host, port }) => ({ host, port })) };
  }

  /** Starts ingest processes, or stops the last ones, until there are as many. */
  async scaleIngest(count: number): Promise<void> {
    while (this.ingests.length > count) await this.ingests.pop()!.end('SIGTERM');
    const audit = { AUDIT_SHARE: '1', AUDIT_USERS_PER_MINUTE: '6000' };
    const added: Service[] = [];
    while (this.ingests.length + added.length < count) added.push(await this.#service('ingest', audit));
    this.ingests.push(...added);
    this.everyIngest.push(...added);
    await Promise.all(added.map((ingest) => ingest.start()));
  }

  /** Ends and starts all ingest processes at once. */
  async restartIngest(): Promise<void> {
    await Promise.all(this.ingests.map((ingest) => ingest.end('SIGTERM')));
    await Promise.all(this.ingests.map((ingest) => ingest.start()));
  }

  /** Adds partitions to the topic of events. */
  async growTopic(partitions: number): Promise<void> {
    await whileConnected(this.kafkaClient.admin(), (admin) =>
      admin.createPartitions({ topicPartitions: [{ topic: this.topic, count: partitions }] }),
    );
  }

  /** Waits until every partition has all its replicas, so that the next broker may stop. */
  async untilInSync(): Promise<void> {
    await whileConnected(this.kafkaClient.admin(), async (admin) => {
      const isInSync = async () => {
        const { topics } = await admin.fetchTopicMetadata();
        return topics.every(({ partitions }) => partitions.every(({ isr }) => isr.length === BROKERS));
      };
      for (const end = Date.now() + IN_SYNC_WITHIN_MS; !(await isInSync()); await sleep(POLL_MS)) {
        if (Date.now() > end) throw new Error(`replicas are missing after ${IN_SYNC_WITHIN_MS} ms`);
      }
    });
  }

  async #service(name: 'api' | 'ingest', own: Record<string, string>): Promise<Service> {
    const port = await drawPort();
    const at = { [name === 'api' ? 'PORT' : 'INGEST_PORT']: String(port) };
    const redis = { REDIS_CLUSTER_NODES: this.stack.redis.addresses };
    return new Service(name, port, { ...this.env, ...redis, ...own, ...at }, this.#folder);
  }
}
