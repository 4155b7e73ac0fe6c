import { testKafka, testMongo, testRedis } from '@calltally/stack/testing';
import type { Store } from '@calltally/store';
import { test } from 'tap';
import { KafkaSockets, REQUEST } from '../src/kafka-sockets.ts';
import { createLivenessWorld } from '../src/liveness-world.ts';
import { TcpProxy } from '../src/proxy.ts';

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
  const sockets = new KafkaSockets(t, 'calltally-ingest');
  const [kafka, mongo, redis] = await Promise.all([testKafka(t), testMongo(t), testRedis(t)]);
  const lines = {
    kafka: await TcpProxy.to(`kafka://${kafka.address}`),
    mongo: await TcpProxy.to(mongo.address),
    redis: await TcpProxy.to(redis.address),
  };
  t.teardown(() => Promise.all(Object.values(lines).map((line) => line.close())));
  let hanging = Promise.resolve();
  const addresses = {
    kafka: [kafka.address],
    ingestKafka: [`127.0.0.1:${lines.kafka.port}`],
    mongo: `mongodb://127.0.0.1:${lines.mongo.port}/?directConnection=true`,
    redis: { url: `redis://127.0.0.1:${lines.redis.port}` },
  };
  const world = createLivenessWorld(t, addresses, (store) => withInserts(store, () => hanging));
  const { ingest, http, send, until, isReady, untilStuck, untilAlive } = world;

  const stuckSamples = async () =>
    (await http.inject('/metrics')).body.match(/^calltally_ingest_stuck\{.*$/gm) ?? [];

  sockets.hangAt(REQUEST.metadata);
  const started = ingest.start();
  t.same(await untilStuck(), ['start: topics'], 'it hangs before it joins the group');
  sockets.heal();
  sockets.hangAt(REQUEST.joinGroup);
  await until('alive again', async () => (await http.inject('/healthz')).statusCode === 200);
  t.same(await untilStuck(), ['membership of the group'], 'the join never ends');
  sockets.heal();
  await started;
  await until('ready', isReady);

  for (const name of ['mongo', 'redis'] as const) {
    lines[name].halfOpen();
    await send();
    await untilAlive(`${name} is away`);
    lines[name].cut();
    lines[name].heal();
    await until(`ready after ${name} was away`, isReady);
  }

  let goOn = () => {};
  hanging = new Promise((resolve) => {
    goOn = resolve;
  });
  await send();
  t.match(await untilStuck(), [/^batch of partition \d$/], 'a batch neither ends nor fails');
  t.match(await stuckSamples(), [/what="batch of partition \d".* 1$/]);
  goOn();
  await until('alive again', isReady);
  t.same(await stuckSamples(), [], 'no sample is left');

  sockets.hangAt(REQUEST.listOffsets, { without: REQUEST.heartbeat });
  t.same(await untilStuck(), ['as-of'], 'nobody is told where partitions end');
  sockets.heal();
  await until('alive again', isReady);

  sockets.hangAt(REQUEST.offsetCommit);
  await send();
  // The heartbeats behind it wait as well, and are noticed first or last.
  await until('a commit never ends', async () => ingest.stuck.includes('offset commit'));
  sockets.heal();
  await until('alive again', isReady);

  lines.kafka.halfOpen();
  // The broker told its own address, so most connections bypass the proxy.
  sockets.lose(Number(kafka.address.split(':')[1]));
  await untilAlive('Kafka is away');
  lines.kafka.heal();
  sockets.answerNew();
  t.ok(
    (await untilStuck()).includes('membership of the group'),
    'Kafka is back, which the consumer does not notice',
  );
  sockets.heal();
  await until('alive again', isReady);

  const stopped = ingest.stop();
  t.equal((await http.inject('/readyz')).statusCode, 503, 'not ready as soon as it is asked to stop');
  await stopped;
});
