import {
  type Attributes,
  context,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { currentTracer } from './tracer.ts';

/**
 * Records a call to a store as part of the request or batch that it is made for. Records nothing where there is none, or
 * where it has ended: what a process asks by itself, such as polls and audits, makes no traces.
 */
export function inStoreSpan<T>(name: string, attributes: Attributes, call: () => Promise<T>): Promise<T> {
  const span = beginStoreSpan(name, attributes);
  return span === undefined ? call() : within(span, call);
}

/** As `inStoreSpan`, for calls that a driver reports by events. Whoever gets a span ends it. */
export function beginStoreSpan(name: string, attributes: Attributes): Span | undefined {
  const tracer = currentTracer();
  if (tracer === undefined || trace.getActiveSpan()?.isRecording() !== true) return undefined;
  return tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes });
}

/** Runs work as a span, and ends it. Nothing of an error is recorded but its type: messages may hold secrets. */
export async function within<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await context.with(trace.setSpan(context.active(), span), work);
  } catch (thrown) {
    failed(span, thrown);
    throw thrown;
  } finally {
    span.end();
  }
}

/** Marks a span as failed, by the error's code or type. */
export function failed(span: Span, thrown: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', typeOf(thrown));
}

function typeOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return typeof thrown;
  const { code } = thrown as { code?: unknown };
  // A DOMException, such as that of an abort, has a number of its own.
  if (thrown instanceof DOMException) return thrown.name;
  return typeof code === 'string' || typeof code === 'number' ? String(code) : thrown.name;
}

/**
 * Records that messages are sent, as part of the current request.
 * @param send gets the headers that tell a consumer which trace to go on with, W3C's `traceparent` and `tracestate`;
 * undefined if nothing is traced
 */
export function inSendSpan<T>(
  name: string,
  attributes: Attributes,
  send: (headers: Record<string, string> | undefined) => Promise<T>,
): Promise<T> {
  const tracer = currentTracer();
  if (tracer === undefined) return send(undefined);
  return within(tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes }), () => {
    const headers: Record<string, string> = {};
    propagation.inject(context.active(), headers);
    return send(headers);
  });
}
