import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { resetConnection } from '@calltally/stack/testing';
import tap, { type Test } from 'tap';

/** Both ends of a connection. Neither answers the other's end by itself. */
async function connection(t: Test): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer({ allowHalfOpen: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  const [[server]] = await Promise.all([once(listener, 'connection'), once(client, 'connect')]);
  t.teardown(() => {
    client.destroy();
    listener.close();
  });
  return { client, server };
}

/** The code of the error that comes before it is closed; undefined if none does. */
async function closed(socket: Socket): Promise<string | undefined> {
  try {
    await once(socket, 'close', { signal: AbortSignal.timeout(10_000) });
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

tap.test('the peer of a connection sees a reset', async (t) => {
  const { client, server } = await connection(t);
  const peer = closed(client);
  const own = closed(server);
  resetConnection(server);
  t.equal(await peer, 'ECONNRESET');
  t.equal(await own, undefined);
});

tap.test('a connection that is just being ended is closed', async (t) => {
  const { client, server } = await connection(t);
  client.resume();
  const own = closed(server);
  server.end();
  // By now Node has begun to end it, and does not know yet that it has.
  await Promise.resolve();
  resetConnection(server);
  t.equal(await own, undefined);
});

tap.test('a connection that has ended is closed', async (t) => {
  const { client, server } = await connection(t);
  client.resume();
  server.end();
  await once(client, 'end');
  const own = closed(server);
  resetConnection(server);
  t.equal(await own, undefined);
});
