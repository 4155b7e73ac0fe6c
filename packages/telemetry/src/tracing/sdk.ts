import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import type { Logger } from 'pino';
import { createSampler } from './sampler.ts';
import { SpanSender } from './span-sender.ts';
import { setTracer } from './tracer.ts';
import type { Tracing, TracingSettings } from './tracing.ts';

const STOP_WITHIN_MS = 2_000;
const EXPORT_TIMEOUT_MS = 5_000;

/** Sets up OpenTelemetry for the whole process. */
export function startSdk(
  { endpoint, headers, sampler, ratio }: TracingSettings,
  { service, logger }: { service: string; logger: Logger },
): Tracing {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_TIMEOUT_MS });
  const provider = new TracerProvider({
    // The last one wins: OTEL_RESOURCE_ATTRIBUTES may give the service another name.
    resource: defaultResource()
      .merge(
        resourceFromAttributes({ 'service.name': `calltally-${service}`, 'service.namespace': 'calltally' }),
      )
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: createSampler(sampler, ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: new SpanSender(exporter, logger) })],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  setTracer(provider.getTracer('calltally'));
  logger.info({ sampler, ratio }, 'traces are sent');
  return {
    async stop() {
      await provider.forceFlush({ timeoutMillis: STOP_WITHIN_MS }).catch(() => {});
    },
  };
}
