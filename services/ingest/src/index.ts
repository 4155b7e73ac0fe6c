export { buildHttp, type Readiness } from './http.ts';
export { createIngestMetrics, type IngestMetrics } from './metrics.ts';
