import { type Context, type Link, ROOT_CONTEXT, SpanKind, TraceFlags, trace } from '@opentelemetry/api';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { test } from 'tap';
import { createSampler } from '../../src/tracing/sampler.ts';
import type { TracingSettings } from '../../src/tracing/tracing.ts';

const spanContext = (isRecorded: boolean) => ({
  traceId: 'a'.repeat(32),
  spanId: 'b'.repeat(16),
  traceFlags: isRecorded ? TraceFlags.SAMPLED : TraceFlags.NONE,
  isRemote: true,
});
const within = (isRecorded: boolean): Context => trace.setSpanContext(ROOT_CONTEXT, spanContext(isRecorded));
const linkTo = (isRecorded: boolean): Link => ({ context: spanContext(isRecorded) });

function isRecorded(
  sampler: TracingSettings['sampler'],
  ratio: number,
  {
    parent = ROOT_CONTEXT,
    links = [],
    traceId = 'f'.repeat(32),
    kind = SpanKind.CONSUMER,
  }: { parent?: Context; links?: Link[]; traceId?: string; kind?: SpanKind },
): boolean {
  const { decision } = createSampler(sampler, ratio).shouldSample(
    parent,
    traceId,
    'process calls',
    kind,
    {},
    links,
  );
  return decision === SamplingDecision.RECORD_AND_SAMPLED;
}

test('each sampler decides as its name says', (t) => {
  const root = {};
  const recorded = { parent: within(true) };
  const unrecorded = { parent: within(false) };
  for (const [name, ratio, ...expected] of [
    ['always_on', 0, true, true, true],
    ['always_off', 1, false, false, false],
    ['traceidratio', 1, true, true, true],
    ['traceidratio', 0, false, false, false],
    ['parentbased_always_on', 0, true, true, false],
    ['parentbased_always_off', 1, false, true, false],
    ['parentbased_traceidratio', 1, true, true, false],
    ['parentbased_traceidratio', 0, false, true, false],
  ] as const) {
    const decided = [root, recorded, unrecorded].map((span) => isRecorded(name, ratio, span));
    t.same(decided, expected, `${name} ${ratio}`);
  }
  t.end();
});

test('a batch of recorded calls is recorded, whatever the share', (t) => {
  const links = [linkTo(false), linkTo(true)];
  t.equal(isRecorded('parentbased_traceidratio', 0, { links }), true);
  t.equal(isRecorded('parentbased_always_off', 1, { links }), true);
  t.equal(isRecorded('parentbased_traceidratio', 0, { links: [linkTo(false)] }), false);
  t.equal(
    isRecorded('parentbased_traceidratio', 1, { links, parent: within(false) }),
    false,
    'a parent decides',
  );
  t.equal(isRecorded('always_off', 1, { links }), false);
  t.equal(isRecorded('traceidratio', 0, { links }), true);
  t.equal(
    isRecorded('traceidratio', 0, { links, kind: SpanKind.SERVER }),
    false,
    'a stranger may send links',
  );
  t.end();
});
