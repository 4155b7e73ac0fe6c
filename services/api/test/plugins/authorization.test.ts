import { ApiKeyCache } from '@calltally/http';
import { test } from 'tap';
import { type Answer, callsAt, NOW_MS, testApi, testWorld } from '../support.ts';

const ROUTES = [
  '/analytics/dashboard',
  '/analytics/timeseries',
  '/analytics/breakdown',
  '/analytics/durations',
  '/analytics/stream',
];

const codeOf = ({ status, body }: Answer) => [status, body.error?.code];

test('keys that may write read nothing, and keys of a platform name the user', async (t) => {
  const world = await testWorld(t);
  await world.count([...callsAt('u-1', [NOW_MS], 7), ...callsAt('+49 💬', [NOW_MS, NOW_MS], 7)]);
  const keyOf = async (options: Parameters<typeof world.store.apiKeys.create>[0]) =>
    (await world.store.apiKeys.create(options)).apiKey;
  const { app, get, lines } = await testApi(t, world);

  await t.test('a key with the scope write is told which scope it lacks, and how to get it', async (t) => {
    const own = await keyOf({ userId: 'u-1', scope: 'write' });
    const platform = await keyOf({ platform: true, scope: 'write' });
    for (const path of ROUTES) {
      for (const [key, command] of [
        [own, 'calltally keys create --user <user> --scope read'],
        [platform, 'calltally keys create --platform --scope read'],
      ] as const) {
        // A scope is missing whomever the request names.
        for (const query of ['', '?user_id=u-1', '?user_id=u-2', '?start_date=x']) {
          const answer = await get(path + query, key);
          t.same(codeOf(answer), [403, 'SCOPE_MISSING'], `${path}${query}`);
          t.equal(answer.headers['www-authenticate'], 'Bearer error="insufficient_scope", scope="read"');
          t.ok(answer.body.message.includes(command), answer.body.message);
          t.equal(answer.headers['x-tally-source'], undefined);
        }
      }
    }
    t.same(codeOf(await get('/analytics/dashboard', await keyOf({ userId: 'u-1', scope: 'read' }))), [
      200,
      undefined,
    ]);
  });

  await t.test('a scope of a later version opens nothing', async (t) => {
    const later = await keyOf({ userId: 'u-1', scope: 'admin' as 'read' });
    t.same(codeOf(await get('/analytics/dashboard', later)), [403, 'SCOPE_MISSING']);
  });

  await t.test('a platform key reads whom it names, one user a request', async (t) => {
    const key = await keyOf({ platform: true });
    const totals = async (user: string) =>
      (await get(`/analytics/dashboard?user_id=${encodeURIComponent(user)}`, key)).body.data?.calls_today;
    t.same(await Promise.all(['u-1', '+49 💬', 'nobody'].map(totals)), [1, 2, 0]);
    const log = lines.map((line) => JSON.parse(line)).filter(({ user_id }) => user_id === '+49 💬');
    t.equal(log.length, 1, 'the log says whom');
  });

  await t.test('a platform key that names nobody is told so', async (t) => {
    const key = await keyOf({ platform: true });
    const cases: [query: string, what: string][] = [
      ['', 'is missing'],
      ['user_id=', 'is not an id'],
      ['user_id=%20u', 'is not an id'],
      ['user_id=a%00b', 'is not an id'],
      [`user_id=${'x'.repeat(257)}`, 'is not an id'],
      ['user_id=u-1&user_id=u-2', 'is given more than once'],
    ];
    for (const [query, what] of cases) {
      for (const path of ROUTES) {
        const answer = await get(`${path}?${query}`, key);
        t.same(codeOf(answer), [400, 'INVALID_PARAMETER'], query);
        t.match(answer.body.message, `user_id ${what}. A platform key names the user in every request`);
      }
    }
  });

  await t.test('the limit of a user counts whoever asks for them', async (t) => {
    const limited = await testApi(t, world, { rateLimitPerSecond: 5 });
    const [own, platform] = await Promise.all([keyOf({ userId: 'u-1' }), keyOf({ platform: true })]);
    const ask = (key: string) => limited.get('/analytics/dashboard?user_id=u-1', key);
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, i) => ask(i % 2 === 0 ? own : platform)),
    );
    t.ok(answers.filter(({ status }) => status === 200).length < 20, 'both count together');
    t.equal((await limited.get('/analytics/dashboard?user_id=u-2', platform)).status, 200, 'another user');
  });

  await t.test('HEAD is refused alike', async (t) => {
    const headers = { authorization: `Bearer ${await keyOf({ platform: true, scope: 'write' })}` };
    for (const url of ROUTES) t.equal((await app.inject({ method: 'HEAD', url, headers })).statusCode, 403);
  });
});

test('what cannot be checked is never let in', async (t) => {
  const world = await testWorld(t);
  const key = await world.keyOf('u');
  for (const thrown of [undefined, null, 0, '', false, new TypeError('odd'), { statusCode: 200 }]) {
    const keys = new ApiKeyCache({ findByHash: () => Promise.reject(thrown) });
    const { get } = await testApi(t, world, { keys });
    t.same(codeOf(await get('/analytics/dashboard', key)), [503, 'UNAVAILABLE'], String(thrown));
    keys.known = () => {
      throw thrown;
    };
    const answer = await get('/analytics/dashboard', key);
    t.ok(answer.status >= 400, `${thrown}: ${answer.status}`);
    t.equal(answer.headers['x-tally-source'], undefined);
  }
});

/** Paths that need no credential. */
const OPEN = /^\/($|index\.html$|assets\/|docs($|\/)|openapi\.json$|healthz$|readyz$|metrics$)/;

/** The routes of an app, from the tree that it prints. */
function routesOf(tree: string): { url: string; methods: string[] }[] {
  const parents: string[] = [];
  return [...tree.matchAll(/^(.*)── (\S+)(?: \(([A-Z, ]+)\))?$/gm)].map(([, indent = '', part, methods]) => {
    const depth = (indent.length - 1) / 4;
    parents.length = depth;
    parents[depth] = (parents[depth - 1] ?? '') + part;
    return { url: parents[depth], methods: methods?.split(', ') ?? [] };
  });
}

test('every route but those of the page, the document and operations needs a credential', async (t) => {
  const { app } = await testApi(t, await testWorld(t));
  const closed = routesOf(app.printRoutes({ commonPrefix: false })).filter(({ url }) => !OPEN.test(url));
  t.same(closed.map(({ url }) => url).sort(), [...ROUTES].sort());
  for (const { url, methods } of closed) {
    t.same(methods, ['GET', 'HEAD']);
    for (const method of methods as 'GET'[]) {
      for (const authorization of [undefined, 'Bearer x', 'Bearer a.b.c', 'Basic eDp5']) {
        const answer = await app.inject({
          method,
          url,
          headers: { ...(authorization && { authorization }) },
        });
        t.equal(answer.statusCode, 401, `${method} ${url} ${authorization}`);
      }
    }
  }
});
