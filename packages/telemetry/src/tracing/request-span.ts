import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { currentTracer } from './tracer.ts';

/** The part of a trace that is one HTTP request to this process. */
export class RequestSpan {
  readonly #span: Span;
  readonly #context: Context;
  readonly #begunAtMs = Date.now();

  private constructor(span: Span, parent: Context) {
    this.#span = span;
    this.#context = trace.setSpan(parent, span);
  }

  /**
   * Begins the span of a request, as part of the trace that its headers name.
   * @returns undefined while nothing is traced
   */
  static begin(method: string, headers: object): RequestSpan | undefined {
    const tracer = currentTracer();
    if (tracer === undefined) return undefined;
    const parent = propagation.extract(ROOT_CONTEXT, headers);
    const attributes = { 'http.request.method': method };
    return new RequestSpan(tracer.startSpan(method, { kind: SpanKind.SERVER, attributes }, parent), parent);
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
   * @param route as it was registered; undefined if no route matched
   * @param durationMs from the beginning to the answer
   * @param source where a figure came from
   */
  end(answer: {
    method: string;
    route: string | undefined;
    status: number;
    durationMs: number;
    source: unknown;
  }): void {
    const { method, route, status, durationMs, source } = answer;
    if (route !== undefined) this.#span.updateName(`${method} ${route}`).setAttribute('http.route', route);
    this.#span.setAttribute('http.response.status_code', status);
    if (typeof source === 'string') this.#span.setAttribute('calltally.source', source);
    if (status >= 500)
      this.#span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute('error.type', String(status));
    this.#span.end(this.#begunAtMs + durationMs);
  }
}
