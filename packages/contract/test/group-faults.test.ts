import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Test, testKafka, uniqueName } from '@calltally/stack/testing';
import kafkajs from 'kafkajs';
import { test } from 'tap';
import { ensureTopics } from '../src/index.ts';

const FIND_COORDINATOR = 10;
const JOIN_GROUP = 11;
const HEARTBEAT = 12;
/** Each request begins with its length in four bytes, then the number of what it asks. */
const asks = (request: Buffer) => request.readInt16BE(4);

/**
 * A consumer that reads a topic, and what becomes of its requests.
 * @param passes whether a request reaches the broker, which may change it. Otherwise the connection is cut
 */
async function consumerOf(t: Test, passes: (request: Buffer) => boolean) {
  const engine = await testKafka(t);
  const socketFactory = ({ host, port, onConnect }: { host: string; port: number; onConnect(): void }) => {
    const socket: Socket = connect({ host, port }, onConnect);
    const { write } = socket;
    socket.write = (...given: [Buffer]) => {
      if (passes(given[0])) return write.apply(socket, given as never);
      socket.destroy(new Error('the broker is away'));
      return false;
    };
    return socket;
  };
  const client = { brokers: engine.address.split(','), logLevel: kafkajs.logLevel.NOTHING };
  const kafka = new kafkajs.Kafka({ ...client, socketFactory: socketFactory as never });
  const other = new kafkajs.Kafka(client);
  const topic = uniqueName('group-faults');
  const admin = other.admin();
  const producer = other.producer();
  await Promise.all([admin.connect(), producer.connect()]);
  await ensureTopics(admin, { topic, dlqTopic: `${topic}.dlq`, partitions: 1 });

  const read: string[] = [];
  const group = { groupId: topic, sessionTimeout: 6_000, rebalanceTimeout: 2_000, maxWaitTimeInMs: 200 };
  const consumer = kafka.consumer({ ...group, heartbeatInterval: 500, retry: { initialRetryTime: 100 } });
  t.teardown(() => Promise.all([consumer.disconnect(), producer.disconnect(), admin.disconnect()]));
  const arrives = async (value: string) => {
    await producer.send({ topic, messages: [{ value }], acks: -1 });
    while (!read.includes(value)) await sleep(20);
  };
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => void read.push(String(message.value)) });
  return { topic, group, other, consumer, arrives };
}

test('a consumer whose brokers cannot tell the coordinator starts again when they can', async (t) => {
  let isAway = false;
  const { topic, group, other, consumer, arrives } = await consumerOf(
    t,
    (request) => !isAway || asks(request) !== FIND_COORDINATOR,
  );
  const crashed = new Promise<{ error: Error; restart: boolean }>((resolve) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => resolve(payload));
  });
  await arrives('before');

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
  await arrives('after');
  t.pass('it reads on');
});

test('a consumer that the group has forgotten joins again, though its first attempt fails', async (t) => {
  let memberId: string | undefined;
  let failedJoins = 0;
  const { consumer, arrives } = await consumerOf(t, (request) => {
    if (memberId === undefined) return true;
    // To the coordinator, it is somebody else now.
    if (asks(request) === HEARTBEAT) request.write('x', request.indexOf(memberId));
    if (asks(request) !== JOIN_GROUP) return true;
    failedJoins += 1;
    memberId = undefined;
    return false;
  });
  await arrives('before');
  const happens = (event: 'HEARTBEAT' | 'GROUP_JOIN') =>
    new Promise<{ memberId: string }>((resolve) => {
      consumer.on(consumer.events[event], ({ payload }) => resolve(payload));
    });
  const before = await happens('HEARTBEAT');
  const joined = happens('GROUP_JOIN');
  memberId = before.memberId;
  const after = await joined;
  t.equal(failedJoins, 1);
  t.not(after.memberId, before.memberId);
  await happens('HEARTBEAT');
  await arrives('after');
});
