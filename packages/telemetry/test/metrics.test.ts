import { test } from 'tap';
import { Counter, createMetrics } from '../src/index.ts';

test('several apps in one process keep their metrics apart', async (t) => {
  const [one, other] = [createMetrics('ingest'), createMetrics('api')];
  const help = 'Events by outcome';
  new Counter({ name: 'events_total', help, registers: [one] }).inc(2);
  new Counter({ name: 'events_total', help, registers: [other] }).inc(5);
  t.match(await one.metrics(), 'events_total{service="ingest"} 2');
  t.match(await other.metrics(), 'events_total{service="api"} 5');
});

test('the process itself is measured', async (t) => {
  const text = await createMetrics('api').metrics();
  t.match(text, 'process_resident_memory_bytes{service="api"}');
  t.match(text, 'nodejs_eventloop_lag_seconds{service="api"}');
});
