import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterNode, RedisCluster } from '@calltally/stack';
import { redisCommand, signalEngine } from '../engines.ts';
import type { Service } from '../service.ts';
import type { World } from '../world.ts';
import type { ClusterDeployment } from './cluster-deployment.ts';
import type { Trial } from './trial.ts';

/** Longer than it takes to elect a new leader or master. */
const AWAY_MS = 10_000;
const DEAD_MS = 60_000;
const PAUSE_MS = 3_000;
/** How long HAProxy may take to notice that a process is there again. */
const NOTICED_MS = 2_500;
/** The slot of the hash tag `0`, which the first master to have it chooses for its generation. */
const FIRST_TAG_SLOT = 13_907;
const LOW_TAGS = 12;
const SOME_SLOTS = 1_000;

type Playing = World<ClusterDeployment>;

const kafkaOf = ({ platform }: Playing) => platform.stack.kafka;
const redisOf = ({ platform }: Playing) => platform.stack.redis;

async function aMaster(world: Playing): Promise<ClusterNode> {
  return world.chance.pick(await redisOf(world).masters());
}

async function anotherMaster(redis: RedisCluster, than: ClusterNode): Promise<ClusterNode> {
  return (await redis.masters()).find((node) => node !== than)!;
}

async function restart(service: Service): Promise<void> {
  await service.end('SIGTERM');
  await service.start();
}

export const TRIALS: readonly Trial[] = [
  {
    name: 'A broker killed, back after 10 s',
    async play(world) {
      const broker = world.chance.pick(kafkaOf(world).nodes);
      await broker.stop('SIGKILL');
      await sleep(AWAY_MS);
      await broker.start();
      await world.platform.untilInSync();
    },
  },
  {
    name: 'A broker stopped (SIGSTOP) for 10 s',
    async play(world) {
      const broker = world.chance.pick(kafkaOf(world).nodes);
      signalEngine(broker, 'SIGSTOP');
      await sleep(AWAY_MS);
      signalEngine(broker, 'SIGCONT');
      await world.platform.untilInSync();
    },
  },
  {
    name: 'A master killed, its replica takes over',
    async play(world) {
      const master = await aMaster(world);
      await master.stop('SIGKILL');
      await sleep(AWAY_MS);
      await master.start();
      await redisOf(world).whole();
    },
  },
  {
    name: 'A master stopped (SIGSTOP) for 10 s, its replica takes over',
    async play(world) {
      const master = await aMaster(world);
      signalEngine(master, 'SIGSTOP');
      await sleep(AWAY_MS);
      signalEngine(master, 'SIGCONT');
      await redisOf(world).whole();
    },
  },
  {
    name: 'Planned failover of a master (CLUSTER FAILOVER)',
    async play(world) {
      const redis = redisOf(world);
      const [replica] = await redis.replicasOf(await aMaster(world));
      await redis.failover(replica!);
      await redis.whole();
    },
  },
  {
    name: 'Slot 13907, of the first ledger, moved to another master',
    async play(world) {
      const redis = redisOf(world);
      const owner = await redis.masterOf(FIRST_TAG_SLOT);
      await redis.moveSlots([FIRST_TAG_SLOT], await anotherMaster(redis, owner));
      await sleep(PAUSE_MS);
    },
  },
  {
    name: 'Slots of twelve low ledger tags moved to one master and back, then an ingest restarted',
    async play(world) {
      const redis = redisOf(world);
      const before = new Map<number, ClusterNode>();
      for (let tag = 0; tag < LOW_TAGS; tag++) {
        const slot = await redis.slotOf(`{${tag}}`);
        before.set(slot, await redis.masterOf(slot));
      }
      await redis.moveSlots([...before.keys()], await aMaster(world));
      // Long enough to show if counting went on from a ledger that was left behind.
      await sleep(AWAY_MS);
      for (const [slot, owner] of before) await redis.moveSlots([slot], owner);
      await restart(world.platform.ingests[0]!);
      await sleep(PAUSE_MS);
    },
  },
  {
    name: '1 000 slots of one master moved to another',
    async play(world) {
      const redis = redisOf(world);
      const owner = await aMaster(world);
      await redis.reshard(SOME_SLOTS, owner, await anotherMaster(redis, owner));
      await sleep(PAUSE_MS);
    },
  },
  {
    name: 'A master added, given its share of the slots, and removed again',
    async play(world) {
      const added = await redisOf(world).addMaster();
      await sleep(AWAY_MS);
      await redisOf(world).removeMaster(added);
      await sleep(PAUSE_MS);
    },
  },
  {
    name: 'One master emptied (FLUSHALL)',
    async play(world) {
      await redisCommand((await aMaster(world)).address, 'FLUSHALL');
      await sleep(PAUSE_MS);
    },
  },
  {
    name: 'A master dead with no replica for a minute',
    async play(world) {
      const master = await aMaster(world);
      const replicas = await redisOf(world).replicasOf(master);
      for (const node of [...replicas, master]) await node.stop('SIGKILL');
      await sleep(DEAD_MS);
      for (const node of [master, ...replicas]) await node.start();
      await redisOf(world).whole();
    },
  },
  {
    name: 'Ingest scaled from 3 to 1 to 4 to 2 processes',
    async play({ platform }) {
      for (const count of [1, 4, 2]) {
        await platform.scaleIngest(count);
        await sleep(PAUSE_MS);
      }
      await platform.scaleIngest(3);
    },
  },
  {
    name: 'The topic grown from 6 to 12 partitions',
    async play({ platform }) {
      await platform.growTopic(12);
      await sleep(AWAY_MS);
    },
  },
  {
    name: 'Everything restarted, one after another',
    async play(world) {
      const { platform } = world;
      for (const ingest of platform.ingests) await restart(ingest);
      for (const api of platform.apis) {
        await restart(api);
        await sleep(NOTICED_MS);
      }
      for (const broker of kafkaOf(world).nodes) {
        await broker.stop();
        await broker.start();
        await platform.untilInSync();
      }
      const redis = redisOf(world);
      for (const node of redis.nodes) {
        const [replica] = await redis.replicasOf(node);
        if (replica !== undefined) await redis.failover(replica);
        await node.stop();
        await node.start();
        await redis.whole();
      }
    },
  },
];
