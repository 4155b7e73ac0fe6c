import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeCallEvent } from '@calltally/contract';
import type { Test } from '@calltally/stack/testing';
import { test } from 'tap';
import { ask } from '../src/dashboard.ts';
import { Platform } from '../src/platform.ts';
import { Collector, type ReceivedSpan } from '../src/tracing/collector.ts';

const SERVER = 2;
const CLIENT = 3;
const PRODUCER = 4;
const CONSUMER = 5;
const USER = 'traced-user-7';
const CALL = 'traced-call';

const newTrace = () => randomBytes(16).toString('hex');
const traceparent = (traceId: string, isRecorded = true) =>
  `00-${traceId}-${randomBytes(8).toString('hex')}-0${isRecorded ? 1 : 0}`;

const callOf = (callId: string, startedAt = new Date()) => ({
  call_id: callId,
  user_id: USER,
  started_at: startedAt.toISOString(),
  duration_seconds: 61,
});

async function tracedPlatform(t: Test) {
  const collector = await Collector.start();
  t.teardown(() => collector.stop());
  const platform = await Platform.start(t, { intakes: 1, collector: collector.url });
  const readKey = await platform.key(USER);
  const { apiKey: writeKey } = await platform.store.apiKeys.create({ userId: USER, scope: 'write' });
  const post = (callId: string, parent: string) =>
    fetch(`${platform.intakes[0]!.url}/calls`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${writeKey}`,
        'content-type': 'application/json',
        traceparent: parent,
      },
      body: JSON.stringify(callOf(callId)),
    });
  const get = (path: string, parent: string) =>
    fetch(`${platform.api.url}${path}`, {
      headers: { authorization: `Bearer ${readKey}`, traceparent: parent },
    });
  return { collector, platform, readKey, writeKey, post, get };
}

/** The span of a name, and that there is only one. */
function only(spans: ReceivedSpan[], name: string): ReceivedSpan {
  const found = spans.filter((span) => span.name === name);
  if (found.length !== 1)
    throw new Error(`${found.length} spans ${name} in ${spans.map((span) => span.name)}`);
  return found[0]!;
}

test('one trace leads from a request to intake through Kafka to the stores', async (t) => {
  const { collector, platform, readKey, writeKey, post, get } = await tracedPlatform(t);
  const { topic } = platform;

  const traceId = newTrace();
  const response = await post(CALL, traceparent(traceId));
  t.equal(response.status, 202);
  await platform.untilCaughtUp(readKey);
  const spans = await collector.until(
    (some) => some.some(({ name }) => name === `process ${topic}`),
    traceId,
  );
  const request = only(spans, 'POST /calls');
  const sent = only(spans, `send ${topic}`);
  const batch = only(spans, `process ${topic}`);
  const inserted = only(spans, 'insert calls');
  const applied = spans.find(({ name }) => name === 'apply')!;
  t.match(request, {
    service: 'calltally-intake',
    kind: SERVER,
    attributes: { 'http.response.status_code': 202 },
  });
  t.match(sent, { service: 'calltally-intake', kind: PRODUCER, parentId: request.spanId });
  t.match(batch, {
    service: 'calltally-ingest',
    kind: CONSUMER,
    parentId: sent.spanId,
    links: [traceId],
    attributes: { 'messaging.batch.message_count': 1, 'messaging.destination.name': topic },
  });
  t.match(inserted, { kind: CLIENT, parentId: batch.spanId, attributes: { 'db.system.name': 'mongodb' } });
  t.match(applied, { kind: CLIENT, parentId: batch.spanId, attributes: { 'db.system.name': 'redis' } });
  t.ok(
    spans.every(({ durationMs }) => durationMs >= 0 && durationMs < 600_000),
    'each lasts as long as it did',
  );

  const reading = newTrace();
  // Days that nobody has asked for, so Redis is: what it has said before is remembered.
  const [first, last] = [40, 0].map((ago) =>
    new Date(Date.now() - ago * 86_400_000).toISOString().slice(0, 10),
  );
  const today = await get(`/analytics/dashboard?start_date=${first}&end_date=${last}`, traceparent(reading));
  const figures = (await today.json()) as { data: { total_calls: number } };
  const read = await collector.until((some) => some.some(({ kind }) => kind === SERVER), reading);
  const asked = only(read, 'GET /analytics/dashboard');
  t.match(asked, {
    service: 'calltally-api',
    attributes: { 'http.route': '/analytics/dashboard', 'calltally.source': 'counters' },
  });
  t.ok(
    read.some(({ kind, parentId, attributes }) => {
      return kind === CLIENT && parentId === asked.spanId && attributes['db.system.name'] === 'redis';
    }),
    'counters are read in the request',
  );
  t.ok(figures.data, 'and it is answered');

  const edge = newTrace();
  const start = new Date(Date.now() - 86_400_000).toISOString();
  await get(
    `/analytics/dashboard?start_date=${start}&end_date=${new Date().toISOString()}`,
    traceparent(edge),
  );
  const cut = await collector.until((some) => some.some(({ kind }) => kind === SERVER), edge);
  const edges = only(cut, 'GET /analytics/dashboard');
  t.ok(
    cut.some(({ name, parentId }) => name === 'aggregate calls' && parentId === edges.spanId),
    'rows are read in the request',
  );

  const listening = newTrace();
  const stream = await get('/analytics/stream', traceparent(listening));
  const listened = await collector.until((some) => some.some(({ kind }) => kind === SERVER), listening);
  t.match(only(listened, 'GET /analytics/stream'), { attributes: { 'http.response.status_code': 200 } });
  const ofStream = listened.length;
  t.equal((await post('seen-by-the-stream', traceparent(newTrace()))).status, 202);
  await platform.untilCaughtUp(readKey);

  const gone = newTrace();
  const socket = connect(platform.intakes[0]!.port, '127.0.0.1');
  const head = `POST /calls HTTP/1.1\r\nhost: a\r\nauthorization: Bearer ${writeKey}\r\ntraceparent: ${traceparent(gone)}`;
  socket.write(`${head}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{`);
  await sleep(500);
  socket.destroy();
  const left = await collector.until((some) => some.length > 0, gone);
  t.match(only(left, 'POST /calls'), { isFailed: true, attributes: { 'error.type': 'client_closed' } });

  const silent = newTrace();
  await get('/analytics/dashboard', traceparent(silent, false));
  const loud = newTrace();
  await get('/analytics/dashboard?start_date=nonsense', traceparent(loud));
  const refused = await collector.until((some) => some.length > 0, loud);
  t.match(only(refused, 'GET /analytics/dashboard'), { attributes: { 'http.response.status_code': 400 } });
  t.notOk(
    refused.some(({ isFailed }) => isFailed),
    'what the client did wrong is no failure',
  );
  t.same(
    collector.spans.filter((span) => span.traceId === silent),
    [],
    'what the sender does not record is not recorded here',
  );

  const roots = collector.spans.filter(({ parentId }) => parentId === '');
  t.ok(
    roots.every(({ kind }) => kind === SERVER || kind === CONSUMER),
    'what processes ask by themselves makes no traces',
  );
  const ofListening = collector.spans.filter((span) => span.traceId === listening);
  t.equal(ofListening.length, ofStream, 'what all streams ask makes no spans of the first one');
  await stream.body!.cancel();
  const sentTexts = Buffer.concat(collector.bodies).toString('latin1');
  for (const secret of [USER, CALL, readKey, writeKey]) {
    t.notOk(sentTexts.includes(secret), 'no id of a user or call and no key is sent');
  }
});

test('a batch of several traces links to each of them', async (t) => {
  const { collector, platform, readKey } = await tracedPlatform(t);
  const traces = [newTrace(), newTrace(), newTrace()];
  await platform.sendMessages(
    traces.map((traceId, i) => ({
      key: USER,
      value: encodeCallEvent(callOf(`linked-${i}`)),
      headers: { traceparent: traceparent(traceId) },
    })),
  );
  await platform.untilCaughtUp(readKey);
  const name = `process ${platform.topic}`;
  const spans = await collector.until((some) => some.some((span) => span.name === name));
  const batch = only(spans, name);
  t.same([...batch.links].sort(), [...traces].sort());
  t.equal(batch.parentId, '', 'it is a trace of its own');
  t.ok(spans.some((span) => span.name === 'insert calls' && span.traceId === batch.traceId));
});

test('everything works while traces cannot be sent, and the log says so once', async (t) => {
  const { collector, platform, readKey, post, get } = await tracedPlatform(t);
  collector.stop();
  t.equal((await post('untraced', traceparent(newTrace()))).status, 202);
  await platform.untilCaughtUp(readKey);
  t.equal((await ask(platform.api.url, readKey)).body.data?.total_calls, 1);
  const said = (log: string) => log.split('traces cannot be sent and are dropped').length - 1;
  for (const end = Date.now() + 60_000; said(platform.api.log) === 0 && Date.now() < end; ) {
    await get('/analytics/dashboard', traceparent(newTrace()));
  }
  t.equal(said(platform.api.log), 1);
  await collector.listen();
  const traceId = newTrace();
  await get('/analytics/dashboard', traceparent(traceId));
  t.ok((await collector.until((some) => some.length > 0, traceId)).length > 0, 'traces arrive again');
  t.equal(await platform.api.end('SIGTERM'), 0, 'it ends as ever');
});
