export type { DestinationStream, Logger } from 'pino';
export { Counter, Gauge, Histogram, type Registry } from 'prom-client';
export { type DescribedError, describeError } from './describe-error.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export { type FillingMeasured, measureFilling } from './measure-filling.ts';
export { createMetrics } from './metrics.ts';
export { redactUri, scrub } from './scrub.ts';
