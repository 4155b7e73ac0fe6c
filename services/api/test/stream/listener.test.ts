import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Test } from '@calltally/stack/testing';
import { test } from 'tap';
import { Listener, type ListenerOptions } from '../../src/stream/listener.ts';
import type { Figures } from '../../src/stream/sse.ts';
import { dashboardEvent } from '../../src/stream/sse.ts';
import { until } from '../support.ts';

/** A few of these exceed the buffers between two sockets. */
const LARGE = 4_000_000;
/** Longer than any test. */
const LIFE_MS = 3_600_000;

interface World {
  listener: Listener;
  response: ServerResponse;
  client: Socket;
  /** Shows new figures and sends them. */
  show(id: string, length?: number, asOfMs?: number): void;
}

/** A listener whose client has sent its request, and reads only when a test makes it. */
async function testListener(t: Test, options: Partial<ListenerOptions> = {}): Promise<World> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  client.on('error', () => {});
  t.teardown(() => {
    client.destroy();
    server.close();
  });
  client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [, response] = (await once(server, 'request')) as [unknown, ServerResponse];
  const view: { figures: Figures | undefined; asOfMs: number | undefined } = {
    figures: undefined,
    asOfMs: 0,
  };
  response.writeHead(200, { connection: 'close' });
  const listener = new Listener(response, view, {
    lastEventId: undefined,
    lifeMs: LIFE_MS,
    ...options,
  });
  return {
    listener,
    response,
    client,
    show(id, length = 0, asOfMs = 0) {
      const event = dashboardEvent(id, JSON.stringify('x'.repeat(length)));
      view.figures = { id, event, source: 'counters' };
      view.asOfMs = asOfMs;
      listener.send();
    },
  };
}

/** Shows figures until all buffers are full, so that one event waits in the process. */
async function fill({ show, response }: World): Promise<void> {
  let shown = 0;
  const isStuck = async () => {
    if (response.destroyed) return true;
    const before = response.writableLength;
    show(`filling-${shown++}`, LARGE);
    return before > 0 && response.writableLength === before;
  };
  let times = 0;
  await until(isStuck, (stuck) => {
    times = stuck ? times + 1 : 0;
    return times === 20;
  });
}

test('for a client that does not read, one event is buffered, and the latest figures follow it', async (t) => {
  const world = await testListener(t);
  const { response, client, show } = world;
  await fill(world);
  const waiting = response.writableLength;
  t.ok(waiting > 0 && waiting < 1.1 * LARGE, `${waiting} bytes`);
  for (let i = 0; i < 1_000; i++) show(`passed-over-${i}`, LARGE / 100);
  show('the-latest');
  t.equal(response.writableLength, waiting, 'nothing more is kept');
  let read = '';
  client.on('data', (chunk) => {
    read += chunk;
  });
  await until(
    async () => read.includes('the-latest'),
    (came) => came,
  );
  t.same(
    [...read.matchAll(/^id: (passed-over|the-latest).*$/gm)].map(([line]) => line),
    ['id: the-latest'],
  );
});

test('a client that reads nothing is disconnected', async (t) => {
  const world = await testListener(t, { stuckMs: 500 });
  // On a slow machine it may be cut off before `fill` notices that it is stuck.
  const closed = once(world.response, 'close');
  await Promise.race([fill(world), closed]);
  await closed;
  t.equal(world.listener.reason, 'stuck');
  world.show('later');
  t.pass('later figures for it cause no error');
});

test('nor does a stream at its maximum age wait for a client that reads nothing', async (t) => {
  const world = await testListener(t, { lifeMs: 2_000 });
  await fill(world);
  await until(
    async () => {
      world.listener.send();
      return world.response.destroyed;
    },
    (destroyed) => destroyed,
  );
  t.ok(world.response.destroyed);
  t.equal(world.listener.reason, 'age');
});

for (const how of ['stop', 'refuse'] as const) {
  test(`${how}: does not wait for a client that reads nothing`, async (t) => {
    const world = await testListener(t);
    await fill(world);
    if (how === 'stop') world.listener.stop();
    else world.listener.refuse({ success: false, message: '', error: { code: 'INVALID_API_KEY' } });
    await once(world.response, 'close');
    t.ok(world.response.destroyed);
  });
}

test('the same figures are sent once', async (t) => {
  const { client, show } = await testListener(t);
  let read = '';
  client.on('data', (chunk) => {
    read += chunk;
  });
  for (const id of ['a', 'a', 'b', 'b', 'b']) show(id);
  await until(
    async () => read.includes('id: b'),
    (came) => came,
  );
  for (const id of ['b', 'b', 'c']) show(id);
  await until(
    async () => read.includes('id: c'),
    (came) => came,
  );
  t.same(
    [...read.matchAll(/^id: (.*)$/gm)].map(([, id]) => id),
    ['a', 'b', 'c'],
  );
});

test('a heartbeat tells of the figures that were sent, also while others wait for their turn', async (t) => {
  const beganMs = Date.UTC(2026, 2, 28);
  // Many, since the heartbeat of some falls to figures that are sent with it.
  const worlds = await Promise.all(Array.from({ length: 12 }, () => testListener(t)));
  const read = worlds.map(() => '');
  for (const [i, { client }] of worlds.entries()) {
    client.on('data', (chunk) => {
      read[i] = `${read[i]}${chunk}`;
    });
  }
  let shown = 0;
  const hasBeatenTwice = (text: string) => text.split('event: heartbeat').length > 2;
  await until(
    async () => {
      shown += 1;
      // One after the other joins in, and all are shown more than may be sent.
      for (const { show } of worlds.slice(0, shown)) show(String(shown), 0, beganMs + shown);
      return read.every(hasBeatenTwice);
    },
    (all) => all,
  );
  for (const text of read) {
    t.ok(hasBeatenTwice(text));
    let sent: string | undefined;
    for (const [, id, asOf] of text.matchAll(/^id: (.*)$|"as_of":"(.*)"/gm)) {
      if (id === undefined) t.equal(Date.parse(asOf!) - beganMs, Number(sent));
      else sent = id;
    }
  }
});
