import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { test } from 'tap';
import { withinLoopTime } from '../src/index.ts';

const late = () => new Error('late');

/** Blocks the whole process. */
function standStill(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

test('an answer that has arrived when the process goes on is taken, however long it stood still', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  t.teardown(() => {
    socket.destroy();
    server.close();
  });
  await once(socket, 'connect');
  for (const stillMs of [150, 300, 600]) {
    const answer = once(socket, 'data').then(([bytes]) => String(bytes));
    socket.write('ping');
    const limited = withinLoopTime(answer, 100, late);
    standStill(stillMs);
    t.equal(await limited, 'ping', `${stillMs} ms`);
  }
});

test('work without an answer times out, and its late result is ignored', async (t) => {
  let fail = (_: Error) => {};
  const work = new Promise<never>((_, reject) => {
    fail = reject;
  });
  await t.rejects(withinLoopTime(work, 30, late), { message: 'late' });
  fail(new Error('and failed'));
  await t.rejects(withinLoopTime(Promise.reject(new Error('at once')), 30, late), { message: 'at once' });
  t.equal(await withinLoopTime(Promise.resolve(1), 0, late), 1);
});
