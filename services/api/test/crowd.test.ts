import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Test, test } from 'tap';
import { startApi } from './process.ts';
import { callsAt, testWorld, until } from './support.ts';

const CONNECTIONS = 2_000;
const ROUNDS = 3;
const STOPPED_MS = 400;

interface Told {
  status: number;
  headers: string;
  body: string;
}

/** An API process over healthy engines, and keys of some users who are in Redis. */
async function testProcess(t: Test): Promise<{ child: ChildProcess; port: number; keys: string[] }> {
  const world = await testWorld(t);
  const users = Array.from({ length: 50 }, (_, i) => `u-${i}`);
  await world.count(users.flatMap((user) => callsAt(user, [Date.now() - 60_000], 7)));
  const keys = await Promise.all(users.map((user) => world.keyOf(user)));
  const { child, says } = startApi(t, {
    REDIS_URL: world.redis.address,
    MONGODB_URI: `${world.mongo}/${world.database}?directConnection=true`,
  });
  const [, port] = await says(/listening on http:\/\/127\.0\.0\.1:(\d+)/);
  return { child, port: Number(port), keys };
}

/** One request by a connection of its own. */
async function ask(port: number, key: string): Promise<Told> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.write(
    `GET /analytics/dashboard HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ${key}\r\n\r\n`,
  );
  await once(socket, 'close');
  const [headers = '', body = ''] = text.split('\r\n\r\n');
  return { status: Number(headers.split(' ', 2)[1]), headers, body };
}

const sourceOf = ({ headers }: Told) => /x-tally-source: (.*)/.exec(headers)?.[1];

function areRight(t: Test, answers: readonly Told[]): void {
  const wrong = answers.filter(
    ({ status, headers, body }) =>
      status !== 200 &&
      !(status === 503 && JSON.parse(body).error.code === 'OVERLOADED' && /^retry-after: \d/im.test(headers)),
  );
  t.strictSame(wrong.slice(0, 3), [], `all of ${answers.length} are answered, or refused by name`);
}

test('2 000 connections at once are answered, and no store is blamed', async (t) => {
  const { port, keys } = await testProcess(t);
  for (let round = 1; round <= ROUNDS; round++) {
    // In the first round no key is known yet.
    const answers = await Promise.all(
      Array.from({ length: CONNECTIONS }, (_, i) => ask(port, keys[i % keys.length]!)),
    );
    areRight(t, answers);
    t.equal(answers.filter((answer) => sourceOf(answer) === 'mongo').length, 0, 'none gave up on Redis');
    t.equal(sourceOf(await ask(port, keys[0]!)), 'counters', 'nor does who comes then');
  }
});

test('after a pause of its own process the API blames no store', async (t) => {
  const { child, port, keys } = await testProcess(t);
  const isFromCounters = (answer: Told) => sourceOf(answer) === 'counters';
  await until(() => ask(port, keys[0]!), isFromCounters);
  const answers: Told[] = [];
  let isOver = false;
  const readers = keys.map(async (key) => {
    while (!isOver) answers.push(await ask(port, key));
  });
  for (let stop = 1; stop <= ROUNDS; stop++) {
    const before = answers.length;
    await until(
      async () => answers.length,
      (count) => count >= before + 100,
    );
    child.kill('SIGSTOP');
    await sleep(STOPPED_MS);
    child.kill('SIGCONT');
  }
  isOver = true;
  await Promise.all(readers);
  areRight(t, answers);
  t.strictSame([...new Set(answers.map(sourceOf))], ['counters']);
});
