import { test } from 'tap';
import { type Answer, testApi, testWorld, until } from '../support.ts';

const DASHBOARD = '/analytics/dashboard';

const isAnswered = ({ status }: Answer) => status === 200;

test('the limit counts per user, whatever the key', async (t) => {
  const world = await testWorld(t);
  const [one, same, other] = await Promise.all([world.keyOf('u-1'), world.keyOf('u-1'), world.keyOf('u-2')]);
  const { get } = await testApi(t, world, { rateLimitPerSecond: 5 });
  for (const key of [one, same, other]) t.ok(isAnswered(await until(() => get(DASHBOARD, key), isAnswered)));

  const askOften = () =>
    Promise.all(Array.from({ length: 100 }, (_, i) => get(DASHBOARD, i % 2 === 0 ? one : same)));
  const answers = await until(askOften, (all) => !all.every(isAnswered));
  t.match(
    answers.find((answer) => !isAnswered(answer)),
    {
      status: 429,
      headers: { 'retry-after': '1', 'cache-control': 'private, no-store' },
      body: { success: false, message: /5 requests a second/, error: { code: 'RATE_LIMITED' } },
    },
  );
  t.ok(isAnswered(await get(DASHBOARD, other)), 'another user is not held up');
  t.ok(isAnswered(await until(() => get(DASHBOARD, one), isAnswered)), 'nor is this one for long');
});

test('without a setting there is no limit', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  const { get } = await testApi(t, world);
  t.ok(isAnswered(await until(() => get(DASHBOARD, key), isAnswered)));
  const answers = await Promise.all(Array.from({ length: 300 }, () => get(DASHBOARD, key)));
  t.notOk(answers.some(({ status }) => status === 429));
});
