import type { Logger } from 'pino';
import type { Tracing, TracingSettings } from './tracing.ts';

/**
 * Starts to record traces and to send them. Without settings nothing of OpenTelemetry's SDK is even loaded. Call it before
 * anything is opened: what was opened before is not traced.
 * @param service `api`, `ingest` or `intake`
 */
export async function startTracing(
  settings: TracingSettings | undefined,
  { service, logger }: { service: string; logger: Logger },
): Promise<Tracing> {
  if (settings === undefined) return { stop: async () => {} };
  const { startSdk } = await import('./sdk.ts');
  return startSdk(settings, { service, logger });
}
