import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'tap';
import { startHaproxy, startNginx } from '../src/balancers.ts';
import { Client, Follower } from '../src/clients.ts';
import { warmUp } from '../src/endure.ts';
import { sendCalls, startWorld } from '../src/world.ts';

const DRAIN_SECONDS = 4;
/** A balancer sends requests to a process again after two checks; on a busy machine some come late. */
const NOTICED_WITHIN_MS = 8_000;

test('behind nginx or HAProxy no request fails while API processes are restarted, and streams move', async (t) => {
  const world = await startWorld(t, { users: 1, apis: 2, drainSeconds: DRAIN_SECONDS });
  await warmUp(world);
  const { apis } = world.platform;
  const [[user, key]] = [...world.keys] as [[string, string]];
  const balancers = {
    nginx: await startNginx(t, apis),
    HAProxy: await startHaproxy(t, apis),
    'HAProxy that sends nothing again': await startHaproxy(t, apis, { retries: false }),
  };
  const behind = Object.entries(balancers).map(([name, url]) => ({
    name,
    clients: [true, true, true, false].map((keepAlive) => new Client(url, key, { keepAlive })),
    followers: Array.from({ length: 5 }, () => new Follower(url, key)),
  }));
  const all = behind.flatMap(({ clients, followers }) => [...clients, ...followers]);
  t.teardown(() => Promise.all(all.map((one) => one.stop())));

  for (const api of apis) {
    t.equal(await api.end('SIGTERM'), 0);
    await api.start();
    await sleep(NOTICED_WITHIN_MS);
  }
  await sendCalls(world, 20);
  const followers = behind.flatMap((one) => one.followers);
  const calls = world.oracle.callsOf(user);
  for (const end = Date.now() + 30_000; Date.now() < end; await sleep(50)) {
    if (followers.every((follower) => follower.calls === calls)) break;
  }
  await Promise.all(all.map((one) => one.stop()));

  for (const { name, clients, followers } of behind) {
    for (const { outcomes } of clients) t.same([...outcomes.keys()], [200], `${name}: ${[...outcomes]}`);
    const ends = followers.flatMap((follower) => follower.ends);
    t.same(
      [...new Set(ends)],
      ['reconnect'],
      `${name}: ${ends.length} streams were told to move, none was cut`,
    );
    t.same(
      followers.map((follower) => follower.calls),
      followers.map(() => calls),
      `${name}: and all go on`,
    );
  }
});
