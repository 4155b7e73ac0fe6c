import { test } from 'tap';
import { requireSuitableRedis } from '../src/index.ts';
import { unsuitable } from '../src/require-suitable-redis.ts';
import { testCounters } from './support.ts';

test('a server that lacks what the scripts need is refused by its version', async (t) => {
  t.equal(unsuitable('# Server\r\nredis_version:6.2.14\r\n')?.code, 'COUNTERS_TOO_OLD');
  t.match(unsuitable('redis_version:6.2.14')?.message, /6\.2\.14/);
  for (const version of ['7.0.15', '7.2.4', '8.2.1', '10.0.0']) {
    t.equal(unsuitable(`redis_version:${version}\r\nmaxmemory_policy:noeviction\r\n`), undefined);
  }
});

test('a Redis that may evict keys is refused, one that does not tell is reported', async (t) => {
  const { session, admin, engine, open } = await testCounters(t);
  t.equal(await requireSuitableRedis(session), true);

  for (const policy of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
    await admin.config('SET', 'maxmemory-policy', policy);
    await t.rejects(requireSuitableRedis(session), {
      code: 'COUNTERS_EVICTING',
      retryable: false,
      message: new RegExp(policy),
    });
  }
  t.equal(session.isOpen, true);

  await admin.acl('SETUSER', 'shy', 'on', '>secret', '~*', '+@all', '-info');
  const address = new URL(engine.address);
  // ioredis sends INFO when it connects, unless it need not wait for loading.
  const shy = await open({ url: `redis://shy:secret@${address.host}` });
  t.equal(await requireSuitableRedis(shy), false);
  t.equal(shy.isOpen, true);
});
