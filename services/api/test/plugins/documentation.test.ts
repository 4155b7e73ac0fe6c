import { Validator } from '@seriousme/openapi-schema-validator';
import { test } from 'tap';
import Schema from 'typebox/schema';
import { exampleCalls, testApi, testWorld, untilRedisIsMissed } from '../support.ts';

test('GET /openapi.json is valid OpenAPI 3.1 and tells the truth', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const { apiKey: writer } = await world.store.apiKeys.create({ userId: 'u-342', scope: 'write' });
  const { get, app } = await testApi(t, world);
  const { status, body: document } = await get('/openapi.json');
  t.equal(status, 200);

  await t.test('it is valid', async (t) => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    t.ok(result.valid, JSON.stringify(result.errors ?? ''));
    t.equal(validator.version, '3.1');
  });

  await t.test('it describes every route', async (t) => {
    const paths = [
      '/analytics/breakdown',
      '/analytics/dashboard',
      '/analytics/durations',
      '/analytics/stream',
      '/analytics/timeseries',
      '/healthz',
      '/readyz',
    ];
    t.same(Object.keys(document.paths).sort(), paths);
    t.match(document.components.securitySchemes.apiKey, { type: 'http', scheme: 'bearer' });
    const range = ['start_date', 'end_date', 'period', 'time_zone', 'user_id'];
    const filters = ['agent_id', 'direction', 'status'];
    for (const [path, names] of [
      ['/analytics/dashboard', [...range, 'compare', ...filters]],
      ['/analytics/durations', [...range, ...filters]],
      ['/analytics/stream', [...range, ...filters, 'last-event-id']],
      [
        '/analytics/timeseries',
        ['interval', ...range, 'compare', ...filters, 'format', 'separator', 'decimal'],
      ],
      [
        '/analytics/breakdown',
        ['by', ...range, ...filters, 'order', 'limit', 'format', 'separator', 'decimal'],
      ],
    ] as const) {
      const operation = document.paths[path].get;
      t.same(operation.security, [{ apiKey: [] }]);
      t.same(
        operation.parameters.map(({ name }: { name: string }) => name),
        names,
      );
      t.same(Object.keys(operation.responses), ['200', '400', '401', '403', '429', '500', '503']);
    }
    for (const path of ['/analytics/timeseries', '/analytics/breakdown']) {
      const { content } = document.paths[path].get.responses[200];
      t.same(Object.keys(content), ['application/json', 'text/csv']);
    }
    t.same(Object.keys(document.paths['/analytics/stream'].get.responses['200'].content), [
      'text/event-stream',
    ]);
  });

  await t.test('answers are as it says, body and headers', async (t) => {
    const asked = ['dashboard', 'timeseries', 'breakdown', 'durations'].flatMap((name) => {
      const path = `/analytics/${name}`;
      const query = name === 'breakdown' ? 'by=agent' : '';
      return [
        { path, query, key, expected: 200 },
        { path, query: `${query}&start_date=2024-01-01T00:00:00.5Z`, key, expected: 200 },
        { path, query: `${query}&agent_id=&status=failed&status=busy`, key, expected: 200 },
        { path, query: `${query}&start_date=x`, key, expected: 400 },
        { path, query: `${query}&agent_id=%0A`, key, expected: 400 },
        { path, query, key: undefined, expected: 401 },
        { path, query, key: writer, expected: 403 },
      ];
    });
    for (const query of ['by=status,agent&limit=1', 'by=direction&format=csv']) {
      asked.push({ path: '/analytics/breakdown', query, key, expected: 200 });
    }
    asked.push({ path: '/analytics/timeseries', query: 'interval=month&format=csv', key, expected: 200 });
    asked.push({ path: '/analytics/timeseries', query: 'interval=year', key, expected: 400 });
    for (const path of ['/analytics/dashboard', '/analytics/timeseries']) {
      asked.push({ path, query: 'period=this_month&compare=previous', key, expected: 200 });
    }
    const judge = async ({ path, query, key, expected }: (typeof asked)[number]) => {
      const { status, headers, body } = await get(`${path}?${query}`, key);
      t.equal(status, expected);
      const said = document.paths[path].get.responses[status];
      const type = String(headers['content-type']).split(';', 1)[0]!;
      const schema = Schema.Compile(said.content[type].schema);
      t.ok(schema.Check(body), `${path} ${status} ${JSON.stringify(schema.Errors(body))}`);
      for (const name of Object.keys(said.headers ?? {})) {
        if (name === 'X-Tally-Cells') continue;
        t.not(headers[name.toLowerCase()], undefined, `${path} ${status} ${name}`);
      }
    };
    for (const one of asked) await judge(one);
    await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
    await untilRedisIsMissed({ get });
    for (const { path } of [asked[0]!, asked.at(-1)!]) await judge({ path, query: '', key, expected: 503 });
  });

  await t.test('people read it at /docs, which loads nothing from elsewhere', async (t) => {
    const page = await app.inject('/docs');
    t.equal(page.statusCode, 200);
    const policy = String(page.headers['content-security-policy']);
    t.match(policy, "default-src 'self'");
    t.notMatch(policy, /https?:/);
    const linked = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, url]) => url ?? '');
    t.ok(linked.length >= 5);
    for (const url of linked) t.equal((await app.inject(url)).statusCode, 200, url);
  });
});
