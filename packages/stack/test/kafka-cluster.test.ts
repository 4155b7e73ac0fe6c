import { Kafka, logLevel } from 'kafkajs';
import { test } from 'tap';
import { uniqueFolder } from '../src/folder.ts';
import { startKafkaCluster } from '../src/kafka-cluster.ts';

test('Kafka of three nodes keeps acknowledged records, and takes more, without the leader of their partition', async (t) => {
  const folder = await uniqueFolder();
  t.teardown(folder.remove);
  const cluster = await startKafkaCluster({ dataDir: folder.path('kafka') });
  t.teardown(() => cluster.stop('SIGKILL'));
  const kafka = new Kafka({ brokers: cluster.address.split(','), logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const producer = kafka.producer({ retry: { retries: 20 } });
  t.teardown(() => Promise.all([admin.disconnect(), producer.disconnect()]));
  await Promise.all([admin.connect(), producer.connect()]);
  const topic = 'calls';
  await admin.createTopics({ topics: [{ topic }], waitForLeaders: true });
  const send = (value: string) =>
    producer.send({ topic, acks: -1, messages: [{ key: 'ada', value, partition: 2 }] });
  await send('one');

  const described = (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions;
  const { leader, replicas } = described.find(({ partitionId }) => partitionId === 2)!;
  t.strictSame(replicas.toSorted(), [1, 2, 3]);
  await cluster.nodes[leader - 1]!.stop('SIGKILL');
  await send('two');

  const values: string[] = [];
  const consumer = kafka.consumer({ groupId: 'readers', retry: { retries: 20 } });
  t.teardown(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
      if (values.push(String(message.value)) === 2) resolve();
    };
    consumer.run({ eachMessage }).catch(reject);
  });
  t.strictSame(values, ['one', 'two']);
});
