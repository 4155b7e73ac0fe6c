import { buildApp, createBackend } from '@calltally/api';
import { testKafka, testMongo, testRedisCluster, uniqueName } from '@calltally/stack/testing';
import { createLogger, createMetrics } from '@calltally/telemetry';
import { test } from 'tap';
import { Follower } from '../src/clients.ts';
import { createLivenessWorld } from '../src/liveness-world.ts';

const USERS = Array.from({ length: 12 }, (_, i) => uniqueName(`user-${i}`));

test('readiness says how many masters of a cluster are away, and for which share of the users', async (t) => {
  const [kafka, mongo, cluster] = await Promise.all([
    testKafka(t),
    testMongo(t),
    testRedisCluster(t, { replicas: 0, nodeTimeoutMs: 1_000 }),
  ]);
  const [dead] = cluster.nodes;
  const redis = { clusterNodes: cluster.nodes.map(({ host, port }) => ({ host, port })) };
  const world = createLivenessWorld(t, { kafka: [kafka.address], mongo: mongo.address, redis });
  const { topic, ingest, until, isReady, store, send } = world;

  /** An API process, and its answers. */
  const startApi = async () => {
    const logger = createLogger({ service: 'api', level: 'silent' });
    const settings = { redis, mongo: { uri: mongo.address, database: topic } };
    const backend = createBackend(settings, logger);
    const app = await buildApp({ ...backend, logger, metrics: createMetrics('api') });
    t.teardown(() => Promise.all([app.close(), backend.stop()]));
    await backend.start();
    return app;
  };
  /** What a process tells about its masters, and its metrics about them. */
  const away = async (app: Pick<typeof world.http, 'inject'>) => {
    const { statusCode, body } = await app.inject('/readyz');
    const metrics = (await app.inject('/metrics')).body;
    const sample = (name: string) => Number(new RegExp(`^${name}\\{.*\\} (.*)$`, 'm').exec(metrics)?.[1]);
    const { redis } = JSON.parse(body);
    return {
      status: statusCode,
      ...redis,
      metrics: [sample('calltally_redis_masters_away'), sample('calltally_redis_users_away_ratio')],
    };
  };
  const all = { status: 200, masters: 3, masters_away: 0, users_away: 0, metrics: [0, 0] };
  const share = 5_461 / 16_384;
  const without = { status: 200, masters: 3, masters_away: 1, users_away: share, metrics: [1, share] };

  await ingest.start();
  await until('ready', isReady);
  const app = await startApi();
  t.strictSame(await away(world.http), all);
  t.strictSame(await away(app), all);

  await dead!.stop('SIGKILL');
  for (const one of [world.http, app])
    await until('without it', async () => (await away(one)).masters_away === 1);
  t.strictSame(await away(world.http), without, 'ingest');
  t.strictSame(await away(app), without, 'the API');
  const later = await startApi();
  t.strictSame(await away(later), without, 'an API that started meanwhile');

  await Promise.all(USERS.map(send));
  const keys = await Promise.all(USERS.map((userId) => store.apiKeys.create({ userId })));
  /** Where dashboards are read from. */
  const sources = async () => {
    const answers = keys.map(({ apiKey }) =>
      later.inject({ url: '/analytics/dashboard', headers: { authorization: `Bearer ${apiKey}` } }),
    );
    const found = (await Promise.all(answers)).map(({ headers }) => headers['x-tally-source']);
    return [...new Set(found)].sort().join();
  };
  await until('counted for the others', async () => (await sources()) === 'counters,mongo');

  const url = await later.listen({ host: '127.0.0.1', port: 0 });
  const followers = keys.map(({ apiKey }) => new Follower(url, apiKey));
  const stop = () => Promise.all(followers.map((follower) => follower.stop()));
  t.teardown(stop);
  await until('everybody has a stream', async () => followers.every(({ calls }) => calls === 1));
  await Promise.all(USERS.map(send));
  await until('every stream goes on', async () => followers.every(({ calls }) => calls === 2));
  await stop();

  await dead!.start();
  await until('counted for everybody', async () => (await sources()) === 'counters');
  for (const one of [world.http, app, later]) {
    await until('with all masters', async () => (await away(one)).masters_away === 0);
    t.strictSame(await away(one), all);
  }
});
