import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'tap';
import { startApi } from '../process.ts';
import { callsAt, testWorld, until } from '../support.ts';

const CONNECTIONS = 60;

test('a flood of wrong keys through one proxy blocks no valid key, not even a new one', async (t) => {
  const world = await testWorld(t);
  const users = Array.from({ length: 20 }, (_, i) => `u-${i}`);
  await world.count(users.flatMap((user) => callsAt(user, [Date.now() - 60_000], 7)));
  const keys = await Promise.all(users.map((user) => world.keyOf(user)));
  const { says, output } = startApi(t, {
    REDIS_URL: world.redis.address,
    MONGODB_URI: `${world.mongo}/${world.database}?directConnection=true`,
    LOG_LEVEL: 'info',
  });
  const [, port] = await says(/listening on http:\/\/127\.0\.0\.1:(\d+)/);

  /** Statuses of requests by one connection, one after the other, each with the next key. */
  async function* statuses(nextKey: () => string) {
    const socket = connect(Number(port), '127.0.0.1');
    t.teardown(() => void socket.destroy());
    for (;;) {
      socket.write(
        `GET /analytics/dashboard HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${nextKey()}\r\n\r\n`,
      );
      const [reply] = await once(socket, 'data');
      yield Number(String(reply).split(' ', 2)[1]);
    }
  }

  const told = new Map<number, number>();
  let isOver = false;
  const flood = Array.from({ length: CONNECTIONS }, async () => {
    for await (const status of statuses(() => `ct_${randomBytes(32).toString('base64url')}`)) {
      told.set(status, (told.get(status) ?? 0) + 1);
      if (isOver) return;
    }
  });
  await until(
    async () => told.get(429) ?? 0,
    (count) => count > 1_000,
  );
  for (const key of keys) {
    const { value } = await statuses(() => key).next();
    t.equal(value, 200, 'a key that was never seen');
  }
  isOver = true;
  await Promise.all(flood);
  t.same([...told.keys()].sort(), [401, 429], `they are told ${JSON.stringify([...told])}`);
  t.notMatch(output(), /Mongo is away/, 'and Mongo had time for others');
});
