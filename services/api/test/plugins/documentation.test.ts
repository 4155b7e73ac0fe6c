import { Validator } from '@seriousme/openapi-schema-validator';
import { test } from 'tap';
import Schema from 'typebox/schema';
import { exampleCalls, testApi, testWorld } from '../support.ts';

test('GET /openapi.json is valid OpenAPI 3.1 and tells the truth', async (t) => {
  const world = await testWorld(t);
  await world.count(exampleCalls('u-342'));
  const key = await world.keyOf('u-342');
  const { get, app } = await testApi(t, world);
  const { status, body: document } = await get('/openapi.json');
  t.equal(status, 200);

  await t.test('it is valid', async (t) => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    t.ok(result.valid, JSON.stringify(result.errors ?? ''));
    t.equal(validator.version, '3.1');
  });

  await t.test('it names what is there', async (t) => {
    t.same(Object.keys(document.paths).sort(), [
      '/analytics/dashboard',
      '/analytics/stream',
      '/healthz',
      '/readyz',
    ]);
    const operation = document.paths['/analytics/dashboard'].get;
    t.same(operation.security, [{ apiKey: [] }]);
    t.match(document.components.securitySchemes.apiKey, { type: 'http', scheme: 'bearer' });
    t.same(
      operation.parameters.map(({ name }: { name: string }) => name),
      ['start_date', 'end_date', 'user_id'],
    );
    t.same(Object.keys(operation.responses), ['200', '400', '401', '429', '500', '503']);
    const stream = document.paths['/analytics/stream'].get;
    t.same(
      stream.parameters.map(({ name }: { name: string }) => name),
      ['start_date', 'end_date', 'user_id', 'last-event-id'],
    );
    t.same(Object.keys(stream.responses['200'].content), ['text/event-stream']);
    t.same(Object.keys(stream.responses), Object.keys(operation.responses));
  });

  await t.test('answers are as it says, body and headers', async (t) => {
    const { responses } = document.paths['/analytics/dashboard'].get;
    const answers = [
      await get('/analytics/dashboard', key),
      await get('/analytics/dashboard?start_date=2020-01-01T00:00:00.5Z', key),
      await get('/analytics/dashboard?start_date=x', key),
      await get('/analytics/dashboard'),
    ];
    await Promise.all([world.redisGate.cut(), world.mongoGate.cut()]);
    answers.push(await get('/analytics/dashboard', key));
    t.same(
      answers.map((answer) => answer.status),
      [200, 200, 400, 401, 503],
    );
    for (const { status, headers, body } of answers) {
      const said = responses[status];
      const schema = Schema.Compile(said.content['application/json'].schema);
      t.ok(schema.Check(body), `${status} ${JSON.stringify(schema.Errors(body))}`);
      for (const name of Object.keys(said.headers ?? {})) {
        t.not(headers[name.toLowerCase()], undefined, `${status} ${name}`);
      }
    }
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
