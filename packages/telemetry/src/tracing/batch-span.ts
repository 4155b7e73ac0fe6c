import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { within } from './spans.ts';
import { currentTracer } from './tracer.ts';

/** As many as OpenTelemetry keeps of a span. */
const LINKS_MAX = 128;

/** A message with the headers that its producer wrote, as Kafka clients give them. */
export interface TracedMessage {
  headers?: { readonly traceparent?: unknown; readonly tracestate?: unknown } | undefined;
}

/**
 * Records the work on a batch of messages. The span continues the trace of its messages where that is a single one. Else
 * it begins a trace of its own that links to theirs, recorded ones first.
 */
export function inBatchSpan<T>(
  name: string,
  attributes: Attributes,
  messages: readonly TracedMessage[],
  work: () => Promise<T>,
): Promise<T> {
  const tracer = currentTracer();
  if (tracer === undefined) return work();
  const links = linksOf(messages);
  const [only] = links;
  const parent: Context =
    links.length === 1 ? trace.setSpanContext(ROOT_CONTEXT, only!.context) : ROOT_CONTEXT;
  const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links }, parent);
  // Not the context of whoever happened to fetch.
  return context.with(ROOT_CONTEXT, () => within(span, work));
}

/** The distinct spans that wrote the messages. */
function linksOf(messages: readonly TracedMessage[]): Link[] {
  const recorded = new Map<string, Link>();
  const others = new Map<string, Link>();
  for (const { headers } of messages) {
    if (headers === undefined || recorded.size >= LINKS_MAX) continue;
    const traceparent = textOf(headers.traceparent);
    if (traceparent === undefined || recorded.has(traceparent) || others.has(traceparent)) continue;
    const carrier = { traceparent, tracestate: textOf(headers.tracestate) };
    const spanContext = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier));
    if (spanContext === undefined) continue;
    const isRecorded = (spanContext.traceFlags & TraceFlags.SAMPLED) !== 0;
    (isRecorded ? recorded : others).set(traceparent, { context: spanContext });
  }
  return [...recorded.values(), ...others.values()].slice(0, LINKS_MAX);
}

/** A header's text. Kafka clients give bytes, or a list where a name comes twice. */
function textOf(header: unknown): string | undefined {
  if (Buffer.isBuffer(header)) return header.toString('latin1');
  return typeof header === 'string' ? header : undefined;
}
