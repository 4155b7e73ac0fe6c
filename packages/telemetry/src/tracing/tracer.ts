import type { Tracer } from '@opentelemetry/api';

let current: Tracer | undefined;

/** The tracer of the process. Undefined while nothing is traced: whoever asks first does no more then. */
export function currentTracer(): Tracer | undefined {
  return current;
}

/** Called once, by `startTracing`. */
export function setTracer(tracer: Tracer): void {
  current = tracer;
}

/** Whether this process records traces. Decided before anything else is opened, and never changed. */
export function isTracing(): boolean {
  return current !== undefined;
}
