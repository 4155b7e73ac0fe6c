import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCallEventProducer } from '@calltally/contract/producer';
import { buildHttp, createIngestMetrics, Ingest } from '@calltally/ingest';
import { testKafka, testMongo, testRedis, uniqueName } from '@calltally/stack/testing';
import { openStore, type Store } from '@calltally/store';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { TcpProxy } from '../src/proxy.ts';

/** Five minutes in production. */
const STUCK_AFTER_MS = 1_500;

/** A store whose inserts wait for `until`, as if a promise were lost. */
function withInserts(store: Store, until: () => Promise<void>): Store {
  const calls = new Proxy(store.calls, {
    get(target, name) {
      const member = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      return async (...args: unknown[]) => {
        if (name === 'insert') await until();
        return member.apply(target, args);
      };
    },
  });
  return { ...store, calls };
}

test('ingest asks for a restart when it hangs, and never because an engine is away', async (t) => {
  const sockets: Socket[] = [];
  const remember = (message: unknown) => void sockets.push((message as { socket: Socket }).socket);
  subscribe('net.client.socket', remember);
  t.teardown(() => unsubscribe('net.client.socket', remember));
  const [kafka, mongo, redis] = await Promise.all([testKafka(t), testMongo(t), testRedis(t)]);
  const lines = {
    kafka: await TcpProxy.to(`kafka://${kafka.address}`),
    mongo: await TcpProxy.to(mongo.address),
    redis: await TcpProxy.to(redis.address),
  };
  const topic = uniqueName('calls');
  const store = openStore({
    uri: `mongodb://127.0.0.1:${lines.mongo.port}/?directConnection=true`,
    database: topic,
    timeoutMs: 30_000,
    selectionTimeoutMs: 2_000,
  });
  let hanging = Promise.resolve();
  const metrics = createIngestMetrics();
  const ingest = new Ingest(
    {
      kafka: {
        brokers: [`127.0.0.1:${lines.kafka.port}`],
        topic,
        dlqTopic: `${topic}.dlq`,
        groupId: topic,
        sessionTimeoutMs: 3_000,
      },
      counters: {
        url: `redis://127.0.0.1:${lines.redis.port}`,
        commandTimeoutMs: 10_000,
        openTimeoutMs: 2_000,
      },
      retentionMonths: 25,
      audit: { share: 0, usersPerMinute: 0 },
    },
    {
      store: withInserts(store, () => hanging),
      metrics,
      logger: createLogger({ service: 'ingest', level: 'silent' }),
      stuckAfterMs: STUCK_AFTER_MS,
    },
  );
  const http = buildHttp({
    registry: metrics.registry,
    readiness: () => ingest.readiness,
    stuck: () => ingest.stuck,
  });
  const producer = createCallEventProducer({ brokers: [kafka.address], topic });
  const health = async () => {
    const { statusCode, body } = await http.inject('/healthz');
    return { status: statusCode, stuck: JSON.parse(body).stuck ?? [] };
  };
  const until = async (what: string, isSo: () => Promise<boolean>) => {
    for (const end = Date.now() + 60_000; !(await isSo()); await sleep(50)) {
      if (Date.now() > end) throw new Error(`never ${what}: ${JSON.stringify(await health())}`);
    }
  };
  const isReady = async () =>
    (await http.inject('/readyz')).statusCode === 200 && (await health()).status === 200;
  const send = () =>
    producer.send({
      call_id: uniqueName('call'),
      user_id: 'acme',
      started_at: new Date().toISOString(),
      duration_seconds: 60,
    });
  t.teardown(async () => {
    await Promise.all([producer.close(), ingest.stop(), http.close()]);
    await store.close();
    await Promise.all(Object.values(lines).map((line) => line.close()));
  });
  await ingest.start();
  await until('ready', isReady);

  const staysAlive = async (what: string) => {
    const statuses = new Set<number>();
    for (const end = Date.now() + 3 * STUCK_AFTER_MS; Date.now() < end; await sleep(50)) {
      statuses.add((await health()).status);
    }
    t.same([...statuses], [200], `alive while ${what}`);
  };
  const isStuck = async () => (await health()).status === 503;

  for (const name of ['mongo', 'redis'] as const) {
    lines[name].halfOpen();
    await send();
    await staysAlive(`${name} is away`);
    lines[name].cut();
    lines[name].heal();
    await until(`ready after ${name} was away`, isReady);
  }

  let goOn = () => {};
  hanging = new Promise((resolve) => {
    goOn = resolve;
  });
  await send();
  await until('stuck', isStuck);
  t.match((await health()).stuck, [/^batch of partition \d$/], 'a batch neither ends nor fails');
  goOn();
  await until('alive again', isReady);

  lines.kafka.halfOpen();
  // The broker told its own address, so these connections bypass the proxy. Only new ones need it.
  const deaf = sockets.filter(({ remotePort }) => remotePort === Number(kafka.address.split(':')[1]));
  for (const socket of deaf) socket.pause();
  await staysAlive('Kafka is away');
  lines.kafka.heal();
  await until('stuck', isStuck);
  t.same(
    (await health()).stuck,
    ['membership of the group'],
    'Kafka is back, and the consumer does not notice',
  );
  for (const socket of deaf) socket.resume();
  await until('alive again', isReady);

  const stopped = ingest.stop();
  t.equal((await http.inject('/readyz')).statusCode, 503, 'not ready as soon as it is asked to stop');
  await stopped;
});
