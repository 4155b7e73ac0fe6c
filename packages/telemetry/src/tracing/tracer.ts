import type { Tracer } from '@opentelemetry/api';

let current: Tracer | undefined;
let followed = true;

/** The tracer of the process. Undefined while nothing is traced: whoever asks first does no more then. */
export function currentTracer(): Tracer | undefined {
  return current;
}

/**
 * Called once, by `startTracing`.
 * @param followsCallers whether a request goes on with the trace of whoever sends it
 */
export function setTracer(tracer: Tracer, followsCallers: boolean): void {
  current = tracer;
  followed = followsCallers;
}

export function followsCallers(): boolean {
  return followed;
}

/** Whether this process records traces. Decided before anything else is opened, and never changed. */
export function isTracing(): boolean {
  return current !== undefined;
}
