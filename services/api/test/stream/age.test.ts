import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld, until } from '../support.ts';
import { addressOf, listen, metricOf } from './support.ts';

const CLIENT = `
  fetch(process.argv[1], { headers: { authorization: 'Bearer ' + process.argv[2] } }).then(async ({ body }) => {
    for await (const chunk of body) process.stdout.write(chunk);
  });
`;

test('a stream has a longest life', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await world.keyOf('u');
  let lifeMs = 1_000;
  const api = await testApi(t, world, { streamLifeMs: () => lifeMs });
  const open = () => metricOf(api, 'calltally_streams_open');
  const aged = () => metricOf(api, 'calltally_streams_ended_total', 'reason="age"');

  await t.test('then it asks to be reopened at once, and earlier events stay', async (t) => {
    const stream = await listen(t, api, key);
    await stream.when(({ isEnded }) => isEnded);
    t.strictSame(stream.events.at(-1), { event: 'reconnect', id: undefined, data: {} });
    t.equal(stream.dashboards.length, 1);
    t.equal(await aged(), 1);
    t.equal(await open(), 0);
    const next = await listen(t, api, key, { lastEventId: stream.events[0]!.id! });
    await next.when(({ isEnded }) => isEnded);
    t.same(
      next.events.map(({ event }) => event),
      ['heartbeat', 'reconnect'],
      'figures that still hold are not sent again',
    );
  });

  await t.test('a client that is stopped, and reads nothing, leaves its seat by then', async (t) => {
    const client = spawn(process.execPath, ['-e', CLIENT, `${await addressOf(api)}/analytics/stream`, key]);
    t.teardown(() => {
      client.kill('SIGKILL');
    });
    lifeMs = 10_000;
    await once(client.stdout, 'data');
    client.kill('SIGSTOP');
    t.equal(await open(), 1);
    await until(open, (count) => count === 0);
    t.equal(await until(open, (count) => count === 0), 0, 'its kernel took all that was sent');
    t.equal(await aged(), 3);
  });

  await t.test('each stream has a life of its own', async (t) => {
    lifeMs = 500;
    const brief = await listen(t, api, key);
    lifeMs = 600_000;
    const long = await listen(t, api, key);
    await brief.when(({ isEnded }) => isEnded);
    t.notOk(long.isEnded);
    long.close();
  });
});
