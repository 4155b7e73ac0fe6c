import { setTimeout as sleep } from 'node:timers/promises';
import { context, type DiagLogger, DiagLogLevel, diag, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
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
  { endpoint, headers, sampler, ratio, attributes }: TracingSettings,
  { service, logger }: { service: string; logger: Logger },
): Tracing {
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new OTLPTraceExporter({ url, headers, timeoutMillis: EXPORT_TIMEOUT_MS });
  const sender = new SpanSender(exporter, logger);
  const names = { 'service.name': `calltally-${service}`, 'service.namespace': 'calltally' };
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ ...names, ...attributes })),
    sampler: createSampler(sampler, ratio),
    spanProcessors: [new BatchSpanProcessor({ exporter: sender })],
  });
  diag.setLogger(droppedSpansLog(logger), DiagLogLevel.WARN);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  setTracer(provider.getTracer('calltally'), sampler.startsWith('parentbased_'));
  logger.info({ sampler, ratio }, 'traces are sent');
  return {
    async stop() {
      const sent = provider
        .forceFlush({ timeoutMillis: STOP_WITHIN_MS })
        // The provider does not wait for what was under way before.
        .then(() => sender.forceFlush());
      await Promise.race([sent.catch(() => {}), sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}

/** Logs once that more is recorded than can be sent. All else that the SDK has to say is of no use to operators. */
function droppedSpansLog(logger: Logger): DiagLogger {
  let isLogged = false;
  const warn = (message: string) => {
    if (isLogged || !message.startsWith('Dropped')) return;
    isLogged = true;
    logger.warn(
      'more traces are recorded than can be sent; the rest is dropped: lower OTEL_TRACES_SAMPLER_ARG',
    );
  };
  const ignore = () => {};
  return { error: ignore, warn, info: ignore, debug: ignore, verbose: ignore };
}
