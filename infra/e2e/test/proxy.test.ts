import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import { TcpProxy } from '../src/proxy.ts';

const TEXT = Array.from({ length: 5_000 }, (_, i) => `${i},`).join('');

async function lineToEcho(t: Test): Promise<TcpProxy> {
  const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  t.teardown(() => echo.close());
  await once(echo, 'listening');
  const proxy = await TcpProxy.to(`tcp://127.0.0.1:${(echo.address() as AddressInfo).port}`);
  t.teardown(() => proxy.close());
  return proxy;
}

function dial({ port }: TcpProxy): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  return once(socket, 'connect').then(() => socket);
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

/** What came back: as many bytes as the text, or all until the line is cut. */
async function echoed(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  let back = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    back += chunk;
    if (back.length >= text.length) break;
  }
  return back;
}

test('a line keeps everything in order, however slow or throttled', async (t) => {
  const proxy = await lineToEcho(t);
  const socket = await dial(proxy);
  t.equal(await echoed(socket, TEXT), TEXT, 'good');
  proxy.throttle(500_000);
  t.equal(await echoed(socket, TEXT), TEXT, 'thin');
  proxy.delay(5);
  t.equal(await echoed(socket, TEXT), TEXT, 'thin and slow');
  proxy.heal();
  t.equal(await echoed(socket, TEXT), TEXT, 'good again');
});

test('a cut resets open and new connections until it is healed', async (t) => {
  const proxy = await lineToEcho(t);
  const socket = await dial(proxy);
  t.equal(await echoed(socket, 'a'), 'a');
  proxy.cut();
  await closed(socket);
  await closed(connect(proxy.port, '127.0.0.1').on('error', () => {}));
  proxy.heal();
  t.equal(await echoed(await dial(proxy), 'b'), 'b');
});

test('a half-open line accepts everything and delivers nothing; its connections stay dead after healing', async (t) => {
  const proxy = await lineToEcho(t);
  const before = await dial(proxy);
  t.equal(await echoed(before, 'a'), 'a');
  let given = 0;
  before.on('data', () => given++);
  proxy.halfOpen();
  before.write('lost');
  proxy.heal();
  before.write('lost too');
  t.equal(await echoed(await dial(proxy), TEXT), TEXT, 'a new connection works');
  t.equal(given, 0, 'the old one is silent');
  t.notOk(before.destroyed, 'and open');
});
