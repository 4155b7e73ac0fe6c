import { test } from 'tap';
import { requireNoEviction } from '../src/index.ts';
import { testCounters } from './support.ts';

test('a Redis that may evict keys is refused, one that does not tell is named', async (t) => {
  const { session, admin, engine, open } = await testCounters(t);
  t.equal(await requireNoEviction(session), true);

  for (const policy of ['allkeys-lru', 'volatile-ttl', 'allkeys-random']) {
    await admin.config('SET', 'maxmemory-policy', policy);
    await t.rejects(requireNoEviction(session), {
      code: 'COUNTERS_EVICTING',
      retryable: false,
      message: new RegExp(policy),
    });
  }
  t.equal(session.isOpen, true);

  await admin.acl('SETUSER', 'shy', 'on', '>secret', '~*', '+@all', '-info');
  const address = new URL(engine.address);
  // ioredis asks for INFO when it connects, unless it need not wait for loading.
  const shy = await open({ url: `redis://shy:secret@${address.host}` });
  t.equal(await requireNoEviction(shy), false);
  t.equal(shy.isOpen, true);
});
