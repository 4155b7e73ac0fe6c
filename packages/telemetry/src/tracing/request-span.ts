import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  type SpanOptions,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { currentTracer, followsCallers } from './tracer.ts';

/** The part of a trace that is one HTTP request to this process. */
export class RequestSpan {
  readonly #span: Span;
  readonly #context: Context;
  readonly #begunAtMs = Date.now();
  #hasEnded = false;

  private constructor(span: Span, parent: Context) {
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  /**
   * Begins the span of a request, as part of the trace that its headers name. Where senders do not decide what is recorded, it is
   * a trace of its own that links to theirs.
   * @returns undefined while nothing is traced
   */
  static begin(method: string, headers: object): RequestSpan | undefined {
    const tracer = currentTracer();
    if (tracer === undefined) return undefined;
    const sent = propagation.extract(ROOT_CONTEXT, headers);
    const options: SpanOptions = { kind: SpanKind.SERVER, attributes: { 'http.request.method': method } };
    const sender = trace.getSpanContext(sent);
    if (sender === undefined || followsCallers()) {
      return new RequestSpan(tracer.startSpan(method, options, sent), sent);
    }
    // A stranger could choose an id that is recorded.
    const links = [{ context: sender }];
    return new RequestSpan(tracer.startSpan(method, { ...options, links }, ROOT_CONTEXT), ROOT_CONTEXT);
  }

  /** For log lines. */
  get traceId(): string {
    return this.#span.spanContext().traceId;
  }

  /** Runs a continuation, and all that comes of it, as part of the request. */
  run(go: () => void): void {
    context.with(this.#context, go);
  }

  /**
   * Ends it, unless it has ended.
   * @param route as it was registered; undefined if no route matched
   * @param status undefined if the client had gone
   * @param durationMs from the beginning to the answer
   * @param source where a figure came from
   */
  end(answer: {
    method: string;
    route: string | undefined;
    status: number | undefined;
    durationMs: number;
    source: unknown;
  }): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    const { method, route, status, durationMs, source } = answer;
    if (route !== undefined) this.#span.updateName(`${method} ${route}`).setAttribute('http.route', route);
    if (typeof source === 'string') this.#span.setAttribute('calltally.source', source);
    if (status !== undefined) this.#span.setAttribute('http.response.status_code', status);
    const errorType = status === undefined ? 'client_closed' : status >= 500 ? String(status) : undefined;
    if (errorType !== undefined) {
      this.#span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', errorType);
    }
    this.#span.end(this.#begunAtMs + durationMs);
  }
}
