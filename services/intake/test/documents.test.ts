import { CallEventSchema } from '@calltally/contract';
import { until } from '@calltally/stack/testing';
import { Validator } from '@seriousme/openapi-schema-validator';
import { test } from 'tap';
import { testWorld } from './support.ts';

test('what intake says of itself', async (t) => {
  const { app, topic } = await testWorld(t);
  const read = async (url: string) => (await app.inject({ method: 'GET', url })).json();

  await t.test('the OpenAPI document is valid, and has every route that takes calls', async (t) => {
    const document = await read('/openapi.json');
    const { valid, errors } = await new Validator().validate(document);
    t.ok(valid, JSON.stringify(errors));
    t.same(Object.keys(document.paths).sort(), ['/calls', '/healthz', '/hooks/{provider}/{hook}', '/readyz']);
    const { post } = document.paths['/calls'];
    t.same(Object.keys(post.responses), [
      '202',
      '207',
      '400',
      '401',
      '403',
      '413',
      '415',
      '429',
      '500',
      '503',
    ]);
    const [event] = post.requestBody.content['application/json'].schema.anyOf;
    t.same(
      event.properties,
      JSON.parse(JSON.stringify(CallEventSchema.properties)),
      'the event is that of the topic',
    );
  });

  await t.test('the AsyncAPI document is that of its topic', async (t) => {
    const document = await read('/asyncapi.json');
    t.equal(document.asyncapi, '3.0.0');
    t.match(JSON.stringify(document.channels), topic);
  });

  await t.test('it is alive, and ready while Kafka takes events', async (t) => {
    t.same(await read('/healthz'), { status: 'alive' });
    const ready = await until(
      () => read('/readyz'),
      ({ status }) => status === 'ready',
    );
    t.same(ready, { status: 'ready', dependencies: { kafka: 'up', mongo: 'up' } });
  });
});

test('without Kafka and Mongo it is alive and not ready, and a call is refused in time, by name', async (t) => {
  const world = await testWorld(t, {}, { kafka: '127.0.0.1:1', mongo: 'mongodb://127.0.0.1:1' });
  const { app } = world;
  t.equal((await app.inject({ method: 'GET', url: '/healthz' })).statusCode, 200);
  const ready = await app.inject({ method: 'GET', url: '/readyz' });
  t.equal(ready.statusCode, 503);
  t.same(ready.json(), { status: 'unavailable', dependencies: { kafka: 'down', mongo: 'down' } });
  const answer = await app.inject({
    method: 'POST',
    url: '/calls',
    headers: { authorization: `Bearer ct_${'x'.repeat(43)}`, 'content-type': 'application/json' },
    payload: '{}',
  });
  t.strictSame([answer.statusCode, answer.json().error], [503, { code: 'UNAVAILABLE' }]);
  t.equal(answer.headers['retry-after'], '1');
});

test('without Kafka a call is answered 503, by name and in time', async (t) => {
  const world = await testWorld(t, {}, { kafka: '127.0.0.1:1' });
  const headers = {
    authorization: `Bearer ${await world.writeKey('u-1')}`,
    'content-type': 'application/json',
  };
  const payload = { call_id: 'c-1', user_id: 'u-1', started_at: '2026-03-01T09:30:00Z', duration_seconds: 1 };
  const answer = await world.app.inject({ method: 'POST', url: '/calls', headers, payload });
  t.strictSame([answer.statusCode, answer.json().error], [503, { code: 'NOT_STORED' }]);
  t.equal(answer.headers['retry-after'], '1');
  t.equal(world.log.join('').includes('ct_'), false);
});
