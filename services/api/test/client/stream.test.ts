import { createClient } from '@calltally/client';
import { Drain } from '@calltally/http';
import { type Test, test } from 'tap';
import { gateTo } from '../gate.ts';
import { addressOf } from '../stream/support.ts';
import { callsAt, NOW_MS, testApi, testWorld } from '../support.ts';
import { countedFetch, Follower } from './support.ts';

const RETRY_MS = 2_000;
const hasBegun = ({ events }: Follower) => events.at(-1)?.type === 'heartbeat';

/** A user with one call, and a way to count another. */
async function scene(t: Test) {
  const world = await testWorld(t);
  const countOne = () => world.count(callsAt('u', [NOW_MS], 60_000));
  await countOne();
  const leaving = new AbortController();
  t.teardown(() => leaving.abort());
  return { world, countOne, apiKey: await world.keyOf('u'), signal: leaving.signal, leaving };
}

test('a stream goes on over a restart and a cut: nothing is lost or repeated', async (t) => {
  const { world, countOne, apiKey, signal, leaving } = await scene(t);
  const first = await testApi(t, world);
  const port = Number(new URL(await addressOf(first)).port);
  const gate = await gateTo(t, port);
  const { fetch, asked } = countedFetch();
  const client = createClient({ baseUrl: `http://127.0.0.1:${gate.port}`, apiKey, fetch });
  const follower = new Follower(client.stream({}, { signal }));
  await follower.when(hasBegun);

  const begunMs = performance.now();
  await first.app.close();
  await follower.when(({ losses }) => losses.length > 0);
  await countOne();
  const second = await testApi(t, world);
  await second.app.listen({ host: '127.0.0.1', port });
  await follower.when(({ totals }) => totals.at(-1) === 2);
  const bound = 2 + (performance.now() - begunMs) / RETRY_MS;
  t.ok(asked.length <= bound, `${asked.length} requests, ${bound} at most: it does not storm`);

  const before = follower.losses.length;
  await gate.cut();
  await gate.open();
  await follower.when(({ losses }) => losses.length > before);
  follower.stream.retryNow();
  await follower.when(hasBegun);
  t.same(follower.totals, [1, 2], 'the same figures did not come again');
  await countOne();
  await follower.when(({ totals }) => totals.at(-1) === 3);
  t.same(follower.totals, [1, 2, 3]);

  leaving.abort();
  t.equal(await follower.ended, undefined, 'an abort is no error');
});

test('a process that drains hands its streams over, and nobody sees it', async (t) => {
  const { world, countOne, apiKey, signal } = await scene(t);
  const drain = new Drain();
  const [old, next] = [await testApi(t, world, { drain }), await testApi(t, world)];
  const [from, to] = [await addressOf(old), await addressOf(next)];
  const { fetch, asked, move } = countedFetch();
  const follower = new Follower(createClient({ baseUrl: from, apiKey, fetch }).stream({}, { signal }));
  await follower.when(hasBegun);
  move(from, to);
  await drain.begin(200);
  await old.app.close();
  await countOne();
  await follower.when(({ totals }) => totals.at(-1) === 2);
  t.same(follower.totals, [1, 2]);
  t.same(follower.losses, []);
  t.equal(asked.length, 2);
});

test('a key that is revoked ends a stream, and a token function keeps it going', async (t) => {
  const { world, countOne, signal } = await scene(t);
  const { apiKey, row } = await world.store.apiKeys.create({ userId: 'u' });
  const api = await testApi(t, world);
  const baseUrl = await addressOf(api);
  const tokens = [apiKey, await world.keyOf('u')];
  const renewing = new Follower(
    createClient({ baseUrl, token: () => tokens.shift() ?? '' }).stream({}, { signal }),
  );
  const fixed = new Follower(createClient({ baseUrl, apiKey }).stream({}, { signal }));
  await Promise.all([renewing.when(hasBegun), fixed.when(hasBegun)]);
  await world.store.apiKeys.revoke(row._id);
  t.match(await fixed.ended, { name: 'ApiError', code: 'INVALID_API_KEY', status: 401 });
  await countOne();
  await renewing.when(({ totals }) => totals.at(-1) === 2);
  t.same(renewing.totals, [1, 2]);
  t.same(renewing.losses, []);
});

test('a stream that finds no place waits as long as the API asks, and comes when there is one', async (t) => {
  const { world, apiKey, signal } = await scene(t);
  const api = await testApi(t, world, { streamLimits: { perUser: 1, perProcess: 10 } });
  const client = createClient({ baseUrl: await addressOf(api), apiKey });
  const leaving = new AbortController();
  const first = new Follower(client.stream({}, { signal: leaving.signal }));
  await first.when(hasBegun);
  const second = new Follower(client.stream({}, { signal }));
  await second.when(({ losses }) => losses.length > 0);
  t.match(second.events, [
    { type: 'disconnected', error: { code: 'TOO_MANY_STREAMS', retryAfterMs: 5_000 } },
  ]);
  leaving.abort();
  await first.ended;
  while (!hasBegun(second)) {
    second.stream.retryNow();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.same(second.totals, [1]);
});
