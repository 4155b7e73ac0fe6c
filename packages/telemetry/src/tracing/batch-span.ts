import {
  type Attributes,
  type Context,
  context,
  type Link,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  trace,
} from '@opentelemetry/api';
import { within } from './spans.ts';
import { currentTracer } from './tracer.ts';

/** As many as OpenTelemetry keeps of a span. */
const LINKS_MAX = 128;
const RECORDED = /[13579bdf]$/;

/** A message with the headers that its producer wrote, as Kafka clients give them. */
export interface TracedMessage {
  headers?: { readonly traceparent?: unknown; readonly tracestate?: unknown } | undefined;
}

/**
 * Records the work on a batch of messages. Where one span wrote them all, it goes on with that span's trace. Else it
 * begins a trace of its own that links to theirs, recorded ones first.
 */
export function inBatchSpan<T>(
  name: string,
  attributes: Attributes,
  messages: readonly TracedMessage[],
  work: () => Promise<T>,
): Promise<T> {
  const tracer = currentTracer();
  if (tracer === undefined) return work();
  const { links, isOne } = linksOf(messages);
  const parent: Context = isOne ? trace.setSpanContext(ROOT_CONTEXT, links[0]!.context) : ROOT_CONTEXT;
  const span = tracer.startSpan(name, { kind: SpanKind.CONSUMER, attributes, links }, parent);
  // Not the context of whoever happened to fetch.
  return context.with(ROOT_CONTEXT, () => within(span, work));
}

/** The distinct spans that wrote the messages, recorded ones first; and whether a single one wrote them all. */
function linksOf(messages: readonly TracedMessage[]): { links: Link[]; isOne: boolean } {
  const recorded = new Map<string, Link>();
  const others = new Map<string, Link>();
  let isOne = true;
  for (const { headers } of messages) {
    const traceparent = textOf(headers?.traceparent);
    if (traceparent === undefined) isOne = false;
    else if (!recorded.has(traceparent) && !others.has(traceparent)) {
      // By its flags, since parsing takes longer than all the rest.
      const links = RECORDED.test(traceparent) ? recorded : others;
      if (links.size < LINKS_MAX) addLink(links, traceparent, textOf(headers?.tracestate));
    }
  }
  const links = [...recorded.values(), ...others.values()].slice(0, LINKS_MAX);
  return { links, isOne: isOne && links.length === 1 };
}

function addLink(links: Map<string, Link>, traceparent: string, tracestate: string | undefined): void {
  const found = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent, tracestate }));
  if (found !== undefined) links.set(traceparent, { context: found });
}

/** A header's text. Kafka clients give bytes, or a list where a name comes twice. */
function textOf(header: unknown): string | undefined {
  if (Buffer.isBuffer(header)) return header.toString('latin1');
  return typeof header === 'string' ? header : undefined;
}
