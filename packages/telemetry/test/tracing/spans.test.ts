import { context, propagation, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { test } from 'tap';
import { inBatchSpan, inStoreSpan, RequestSpan } from '../../src/index.ts';
import { setTracer } from '../../src/tracing/tracer.ts';

const exporter = new InMemorySpanExporter();
const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
const tracer = provider.getTracer('test');
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());
setTracer(tracer, true);

const traceId = (n: number) => n.toString(16).padStart(32, 'a');
const traceparent = (n: number, isRecorded = true) =>
  `00-${traceId(n)}-${'b'.repeat(16)}-0${isRecorded ? 1 : 0}`;
const messageOf = (text: string) => ({ headers: { traceparent: Buffer.from(text) } });
const answer = { method: 'GET', route: '/x', durationMs: 5, source: undefined };

/** The only span that ended while `work` ran. */
async function spanOf(work: () => unknown) {
  exporter.reset();
  await work();
  const spans = exporter.getFinishedSpans();
  if (spans.length !== 1) throw new Error(`${spans.length} spans`);
  const [span] = spans;
  return {
    attributes: span!.attributes,
    isFailed: span!.status.code === SpanStatusCode.ERROR,
    traceId: span!.spanContext().traceId,
    parentId: span!.parentSpanContext?.spanId,
    links: span!.links.map((link) => link.context.traceId),
  };
}
const batchOf = (messages: object[]) => spanOf(() => inBatchSpan('process', {}, messages, async () => {}));

test('a request goes on with the trace of its sender, and ends once', async (t) => {
  const span = await spanOf(() => {
    const request = RequestSpan.begin('GET', { traceparent: traceparent(1) })!;
    request.end({ ...answer, status: 200 });
    request.end({ ...answer, status: undefined });
  });
  t.match(span, { traceId: traceId(1), isFailed: false, attributes: { 'http.response.status_code': 200 } });
});

test('a request whose client has gone has no status, and is a failure', async (t) => {
  const span = await spanOf(() => RequestSpan.begin('GET', {})!.end({ ...answer, status: undefined }));
  t.match(span, { isFailed: true, attributes: { 'error.type': 'client_closed' } });
  t.notOk('http.response.status_code' in span.attributes);
});

test('where senders do not decide, a request is a trace of its own, whatever id is sent', async (t) => {
  setTracer(tracer, false);
  t.teardown(() => setTracer(tracer, true));
  const span = await spanOf(() =>
    RequestSpan.begin('GET', { traceparent: traceparent(1) })!.end({ ...answer, status: 200 }),
  );
  t.not(span.traceId, traceId(1));
  t.match(span, { parentId: undefined, links: [traceId(1)] });
});

test('a batch goes on with a trace only if one span wrote all of its messages', async (t) => {
  const one = messageOf(traceparent(1));
  t.match(await batchOf([one, one]), { traceId: traceId(1), links: [traceId(1)] });
  for (const messages of [[one, {}], [one, messageOf(traceparent(2))], [{}], [messageOf('nonsense')]]) {
    t.equal((await batchOf(messages)).parentId, undefined);
  }
});

test('a batch links to recorded traces first, and to so many as are kept', async (t) => {
  const unrecorded = Array.from({ length: 500 }, (_, n) => messageOf(traceparent(n, false)));
  const recorded = Array.from({ length: 100 }, (_, n) => messageOf(traceparent(1_000 + n)));
  const { links } = await batchOf([...unrecorded, ...recorded]);
  t.equal(links.length, 128);
  t.same(
    links.slice(0, 100),
    recorded.map((_, n) => traceId(1_000 + n)),
  );
});

test('what is asked without a request or batch makes no span, nor what goes on after it', async (t) => {
  exporter.reset();
  const call = () => inStoreSpan('find calls', {}, async () => {});
  await call();
  let later!: () => Promise<void>;
  RequestSpan.begin('GET', {})!.run(() => {
    const ofRequest = context.active();
    later = () => context.with(ofRequest, call);
    trace.getActiveSpan()!.end();
  });
  await later();
  t.same(
    exporter.getFinishedSpans().map(({ name }) => name),
    ['GET'],
  );
});
