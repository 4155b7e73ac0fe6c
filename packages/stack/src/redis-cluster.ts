import { join, resolve } from 'node:path';
import type { RedisOptions } from './redis.ts';
import { redisCli, redisCliCluster } from './redis-cli.ts';
import { moveSlot } from './redis-cluster/move-slot.ts';
import { type ClusterNode, type NodeOptions, startNode } from './redis-cluster/node.ts';
import { agreedView, answering, holds, type Known, SLOTS, slotsHeld, until } from './redis-cluster/view.ts';

export interface RedisClusterOptions extends RedisOptions {
  /** At least 3. */
  masters?: number;
  /** Of each master. */
  replicas?: number;
  /** After how long without an answer a node is taken for dead. A replica takes over about a second later. */
  nodeTimeoutMs?: number;
}

/** A cluster whose nodes run on this machine. Its methods do what operators do, and wait until all nodes know it. */
export class RedisCluster {
  /** In the order of their first start: masters before replicas. Later their roles may change. */
  readonly nodes: ClusterNode[];
  readonly #options: NodeOptions;

  constructor(nodes: ClusterNode[], options: NodeOptions) {
    this.nodes = nodes;
    this.#options = options;
  }

  /** In the format of `REDIS_CLUSTER_NODES`. */
  get addresses(): string {
    return this.nodes.map(({ host, port }) => `${host}:${port}`).join(',');
  }

  /** The masters that hold slots, those that are down without a successor included. */
  async masters(): Promise<ClusterNode[]> {
    const holders = (await this.#view()).filter(({ slots }) => slots.length > 0).map(({ id }) => id);
    return this.nodes.filter(({ id }) => holders.includes(id));
  }

  async slotOf(key: string): Promise<number> {
    const [node] = await answering(this.nodes);
    return Number(await redisCli(node!.address, 'CLUSTER', 'KEYSLOT', key));
  }

  async masterOf(slot: number): Promise<ClusterNode> {
    const master = (await this.#view()).find((known) => holds(known, slot));
    if (master === undefined) throw new Error(`no master holds slot ${slot}`);
    return this.#node(master.id);
  }

  async replicasOf(master: ClusterNode): Promise<ClusterNode[]> {
    const view = await this.#view();
    return view.filter(({ masterId }) => masterId === master.id).map(({ id }) => this.#node(id));
  }

  /** Moves these slots to a master, one after another, with their keys. */
  async moveSlots(slots: readonly number[], to: ClusterNode): Promise<void> {
    for (const slot of slots) {
      const from = await this.masterOf(slot);
      const others = (await this.masters()).filter((node) => node !== from && node !== to);
      if (from !== to) await moveSlot(slot, from, to, await answering(others));
    }
  }

  /** Moves as many slots to a master, those with the lowest numbers of `from`, or some of every other master. */
  async reshard(count: number, from: ClusterNode | 'all', to: ClusterNode): Promise<void> {
    await this.#view();
    const source = from === 'all' ? from : from.id;
    const what = ['--cluster-from', source, '--cluster-to', to.id, '--cluster-slots', count];
    await redisCliCluster('reshard', addressOf(to), ...what, '--cluster-yes');
    await this.#view();
  }

  /** Starts another master and gives it slots of every other one. By default it gets as many as each of them keeps. */
  async addMaster(slots?: number): Promise<ClusterNode> {
    const share = slots ?? Math.floor(SLOTS / ((await this.masters()).length + 1));
    const dataDir = folderOf(this.#options.dataDir, this.nodes.length);
    const [known] = await answering(this.nodes);
    const node = await startNode({ ...this.#options, dataDir });
    this.nodes.push(node);
    await redisCli(known!.address, 'CLUSTER', 'MEET', node.host, node.port, node.busPort);
    await agreedView(this.nodes, (view) => view.some(({ id }) => id === node.id));
    await this.reshard(share, 'all', node);
    return node;
  }

  /** Gives a master's slots to the others, then takes it out of the cluster and stops it. */
  async removeMaster(node: ClusterNode): Promise<void> {
    await this.#view();
    await redisCliCluster('rebalance', addressOf(node), '--cluster-weight', `${node.id}=0`);
    await this.#view();
    this.nodes.splice(this.nodes.indexOf(node), 1);
    for (const other of await answering(this.nodes)) {
      await redisCli(other.address, 'CLUSTER', 'FORGET', node.id);
    }
    await node.stop();
    await this.#view();
  }

  /** A planned failover: this replica becomes the master, and its master a replica. Nothing is lost. */
  async failover(replica: ClusterNode): Promise<void> {
    await redisCli(replica.address, 'CLUSTER', 'FAILOVER');
    await agreedView(this.nodes, (view) =>
      view.some(({ id, slots }) => id === replica.id && slots.length > 0),
    );
  }

  /** Waits until every node is there and serves, every slot has a master, and every replica is in step with its master. */
  async whole(): Promise<void> {
    const isWhole = (view: Known[]) =>
      view.length === this.nodes.length &&
      slotsHeld(view) === SLOTS &&
      view.every(({ flags }) => ['master', 'slave'].includes(flags.join()));
    await agreedView(this.nodes, isWhole);
    for (const { address } of this.nodes) {
      const isInStep = async () =>
        /^role:master|^master_link_status:up/m.test(await redisCli(address, 'INFO', 'replication'));
      await until(isInStep, `${address} follows its master`);
      // A node refuses commands for a while after it has seen the others.
      const isServing = async () => /^cluster_state:ok/m.test(await redisCli(address, 'CLUSTER', 'INFO'));
      await until(isServing, `${address} serves`);
    }
  }

  async stop(signal?: NodeJS.Signals): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop(signal)));
  }

  #view(): Promise<Known[]> {
    return agreedView(this.nodes);
  }

  #node(id: string): ClusterNode {
    const node = this.nodes.find((one) => one.id === id);
    if (node === undefined) throw new Error(`the cluster has a node that was not started here: ${id}`);
    return node;
  }
}

/** Starts a new cluster, or again that of this folder. Rejects with StackError, or with the tool's words. */
export async function startRedisCluster({
  masters = 3,
  replicas = 1,
  nodeTimeoutMs = 2_000,
  ...given
}: RedisClusterOptions): Promise<RedisCluster> {
  const options = { ...given, dataDir: resolve(given.dataDir), nodeTimeoutMs };
  const tries = await Promise.allSettled(
    Array.from({ length: masters * (1 + replicas) }, (_, i) =>
      startNode({ ...options, dataDir: folderOf(options.dataDir, i) }),
    ),
  );
  const nodes = tries.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const cluster = new RedisCluster(nodes, options);
  try {
    for (const one of tries) if (one.status === 'rejected') throw one.reason;
    await ((await isFormed(nodes[0]!)) ? introduce(nodes) : form(nodes, replicas));
    await cluster.whole();
    return cluster;
  } catch (error) {
    await cluster.stop('SIGKILL');
    throw error;
  }
}

async function isFormed({ address }: ClusterNode): Promise<boolean> {
  return (await redisCli(address, 'CLUSTER', 'INFO')).includes(`cluster_slots_assigned:${SLOTS}`);
}

async function form(nodes: readonly ClusterNode[], replicas: number): Promise<void> {
  // A start that was interrupted here may have left half a cluster. It has no keys, or this is refused.
  for (const { address } of nodes) await redisCli(address, 'CLUSTER', 'RESET', 'SOFT');
  const places = nodes.map((node) => `${addressOf(node)}@${node.busPort}`);
  await redisCliCluster('create', ...places, '--cluster-replicas', replicas, '--cluster-yes');
}

/** A node's port may have been taken by another process meanwhile. Then the others must hear of its new one. */
async function introduce(nodes: readonly ClusterNode[]): Promise<void> {
  for (const { host, port, busPort } of nodes) {
    await redisCli(nodes[0]!.address, 'CLUSTER', 'MEET', host, port, busPort);
  }
}

function addressOf({ host, port }: ClusterNode): string {
  return `${host}:${port}`;
}

function folderOf(dataDir: string, index: number): string {
  return join(dataDir, `node-${index + 1}`);
}
