export { buildHttp, type Readiness } from './http.ts';
export { Ingest, type IngestSettings } from './ingest.ts';
export { createIngestMetrics, type IngestMetrics } from './metrics.ts';
