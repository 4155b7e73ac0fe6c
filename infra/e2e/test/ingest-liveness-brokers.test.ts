import { isDeepStrictEqual } from 'node:util';
import { kafkaClient } from '@calltally/contract';
import { testKafkaCluster, testMongo, testRedis } from '@calltally/stack/testing';
import { test } from 'tap';
import { KafkaSockets, REQUEST } from '../src/kafka-sockets.ts';
import { createLivenessWorld } from '../src/liveness-world.ts';

/** Some for each partition. */
const USERS = Array.from({ length: 60 }, (_, i) => `user-${i}`);

const portOf = (address: string) => Number(address.split(':')[1]);

test('ingest asks for a restart when it hangs at one of three brokers, and never because one is away', async (t) => {
  const sockets = new KafkaSockets(t, 'calltally-ingest');
  const [kafka, mongo, redis] = await Promise.all([testKafkaCluster(t), testMongo(t), testRedis(t)]);
  const brokers = kafka.address.split(',');
  const world = createLivenessWorld(t, {
    kafka: brokers,
    mongo: mongo.address,
    redis: { url: redis.address },
  });
  const { topic, ingest, store, send, until, isReady, untilStuck, untilAlive } = world;
  let sent = 0;
  const sendToAll = async () => {
    await Promise.all(USERS.map((user) => send(user)));
    sent += USERS.length;
  };
  const counted = async () => {
    const { stored } = await store.progress.streamAndStored();
    return [...stored.values()].reduce((sum, offset) => sum + offset + 1, 0);
  };
  // The producer may have repeated a request whose answer was lost.
  const untilAllCounted = () => until('counted', async () => (await isReady()) && (await counted()) >= sent);
  await ingest.start();
  await sendToAll();
  await untilAllCounted();

  const admin = kafkaClient({ brokers, clientId: 'test' }).admin();
  await admin.connect();
  t.teardown(() => admin.disconnect());
  const describe = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions;
  const partitions = await describe();
  // Heartbeats go to the coordinator, and have to go on.
  const [coordinator] = sockets.portsOf(REQUEST.heartbeat);
  const away = kafka.nodes.findIndex(
    ({ address }, i) => portOf(address) !== coordinator && partitions.some(({ leader }) => leader === i + 1),
  );
  const node = kafka.nodes[away]!;
  const port = portOf(node.address);
  const led = partitions.filter(({ leader }) => leader === away + 1);

  sockets.hangAt(REQUEST.fetch, { port });
  await sendToAll();
  const expected = led.map(({ partitionId }) => `fetch of partition ${partitionId}`).toSorted();
  await until('stuck with the fetches of one broker, and no other', async () =>
    isDeepStrictEqual((await untilStuck()).toSorted(), expected),
  );
  t.ok((await counted()) > sent - USERS.length, 'the other partitions go on');
  sockets.heal();
  await untilAllCounted();

  // As with a disk that hangs: it accepts connections, and tells who leads what.
  sockets.loseAt([REQUEST.fetch, REQUEST.listOffsets], port);
  await sendToAll();
  await untilAlive('a leader does not serve its partitions');
  sockets.heal();
  await untilAllCounted();

  await node.stop('SIGKILL');
  await until('led by others', async () => (await describe()).every(({ leader }) => leader !== away + 1));
  await sendToAll();
  await untilAllCounted();
  await untilAlive('a broker is gone whose partitions others lead');
});
