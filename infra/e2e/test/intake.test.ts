import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { compareWithOracle } from '../src/compare.ts';
import { caughtUp } from '../src/endure.ts';
import { sendCallsByHttp } from '../src/intake-client.ts';
import { startWorld } from '../src/world.ts';

const KILLS = 20;
const CLIENTS = 4;

test('intake killed twenty times under load: what was answered 202 is counted exactly once', async (t) => {
  const world = await startWorld(t, { users: 6, intakes: 2 });
  const { platform, chance, oracle } = world;
  const { apiKey: key } = await platform.store.apiKeys.create({ platform: true, scope: 'write' });
  const stopping = new AbortController();
  const sending = sendCallsByHttp(
    world,
    { urls: () => platform.intakes.map(({ url }) => url), key, clients: CLIENTS },
    stopping.signal,
  );
  for (let kill = 0; kill < KILLS; kill++) {
    const intake = chance.pick(platform.intakes);
    await sleep(chance.int(50, 600));
    await intake.end('SIGKILL');
    intake.launch();
    await intake.alive();
  }
  stopping.abort();
  const { accepted, repeated } = await sending;
  t.comment(`${accepted} requests accepted, ${repeated} sent again, ${oracle.size} calls`);
  t.ok(accepted > KILLS && repeated > 0, 'the kills hit requests');
  await caughtUp(world);
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${oracle.size} calls`);
});

test('intake that is stopped answers what it has begun, and a client notices no error but a closed connection', async (t) => {
  const world = await startWorld(t, { users: 6, intakes: 2, drainSeconds: 1 });
  const { platform, oracle } = world;
  const { apiKey: key } = await platform.store.apiKeys.create({ platform: true, scope: 'write' });
  const stopping = new AbortController();
  // Like a balancer, which asks /readyz.
  const out = new Set<string>();
  const urls = () => platform.intakes.map(({ url }) => url).filter((url) => !out.has(url));
  const sending = sendCallsByHttp(world, { urls, key, clients: CLIENTS }, stopping.signal);
  for (const intake of platform.intakes) {
    await sleep(300);
    const ended = intake.end('SIGTERM');
    await sleep(300);
    t.equal((await fetch(`${intake.url}/readyz`)).status, 503, 'it says that it is about to end');
    out.add(intake.url);
    t.equal(await ended, 0, 'it ends by itself');
    await intake.start();
    out.delete(intake.url);
  }
  stopping.abort();
  const { accepted, repeated } = await sending;
  t.equal(repeated, 0, `none of ${accepted} requests had to be sent again`);
  await caughtUp(world);
  t.same(await compareWithOracle(world), [], `every number equals the oracle, of ${oracle.size} calls`);
});
