import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { testKafka, uniqueName } from '@calltally/stack/testing';
import kafkajs from 'kafkajs';
import { test } from 'tap';
import { ensureTopics } from '../src/index.ts';

const FIND_COORDINATOR = 10;
/** Each request begins with its length in four bytes, then the number of what it asks. */
const asks = (request: Buffer) => request.readInt16BE(4);

test('a consumer whose brokers cannot tell the coordinator starts again when they can', async (t) => {
  const engine = await testKafka(t);
  let isAway = false;
  const socketFactory = ({ host, port, onConnect }: { host: string; port: number; onConnect(): void }) => {
    const socket: Socket = connect({ host, port }, onConnect);
    const { write } = socket;
    socket.write = (...given: [Buffer]) => {
      if (isAway && asks(given[0]) === FIND_COORDINATOR) {
        socket.destroy(new Error('the broker is away'));
        return false;
      }
      return write.apply(socket, given as never);
    };
    return socket;
  };
  const client = { brokers: engine.address.split(','), logLevel: kafkajs.logLevel.NOTHING };
  const kafka = new kafkajs.Kafka({ ...client, socketFactory: socketFactory as never });
  const other = new kafkajs.Kafka(client);
  const topic = uniqueName('coordinator-away');
  const admin = other.admin();
  const producer = other.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 1 });

  const read: string[] = [];
  const group = { groupId: topic, sessionTimeout: 6_000, rebalanceTimeout: 2_000, maxWaitTimeInMs: 200 };
  const consumer = kafka.consumer({ ...group, retry: { initialRetryTime: 100 } });
  const crashed = new Promise<{ error: Error; restart: boolean }>((resolve) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload));
  });
  t.teardown(() => Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]));
  const send = (value: string) => producer.send({ topic, messages: [{ value }], acks: -1 });
  const untilRead = async (value: string) => {
    while (!read.includes(value)) await sleep(20);
  };
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void read.push(String(message.value)) });
  await send('before');
  await untilRead('before');

  isAway = true;
  // A member that comes makes it ask for the coordinator, and join again.
  const newcomer = other.consumer(group);
  await newcomer.connect();
  await newcomer.subscribe({ topic });
  const joined = newcomer.run({ eachMessage: async () => {} });
  const { error, restart } = await crashed;
  t.match(error.message, /coordinator/);
  t.equal(restart, true);
  isAway = false;
  await joined;
  await newcomer.disconnect();
  await send('after');
  await untilRead('after');
  t.pass('it reads on');
});
