export type { DestinationStream, Logger } from 'pino';
export { Counter, Gauge, Histogram, type Registry } from 'prom-client';
export { type DescribedError, describeError } from './describe-error.ts';
export { createLogger, type LoggerOptions } from './logger.ts';
export { withinLoopTime } from './loop-time.ts';
export { measureReach, type ReachMeasured } from './measure-reach.ts';
export { createMetrics, type FillingMeasured, measureFilling } from './metrics.ts';
export { redactUri, scrub } from './scrub.ts';
