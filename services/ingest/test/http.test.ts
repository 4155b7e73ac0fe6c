import { test } from 'tap';
import { buildHttp, type Readiness } from '../src/http.ts';
import { createIngestMetrics } from '../src/metrics.ts';

test('ready only while in the group and counting; alive unless stuck, and always measured', async (t) => {
  const { registry } = createIngestMetrics();
  let readiness: Readiness = { joined: true, counting: true, partitions: [0, 1], held: [] };
  let stuck: string[] = [];
  const app = buildHttp({ registry, readiness: () => readiness, stuck: () => stuck });
  t.teardown(() => app.close());
  const status = async (url: string) => (await app.inject(url)).statusCode;
  const ready = async () =>
    /^calltally_ingest_ready\{.*\} (\d)$/m.exec((await app.inject('/metrics')).body)?.[1];

  t.equal(await status('/readyz'), 200);
  t.equal(await ready(), '1');
  for (const missing of [{ joined: false }, { counting: false }]) {
    readiness = { joined: true, counting: true, partitions: [], held: [], ...missing };
    t.equal(await status('/readyz'), 503);
    t.equal(await ready(), '0', 'Prometheus is told the same');
  }
  t.equal(await status('/healthz'), 200);
  stuck = ['batch of partition 3'];
  const { statusCode, body } = await app.inject('/healthz');
  t.same([statusCode, JSON.parse(body)], [503, { status: 'stuck', stuck }]);
  const metrics = await app.inject('/metrics');
  for (const name of [
    'calltally_events_total',
    'calltally_batch_events',
    'calltally_batch_seconds',
    'calltally_lag_messages',
    'calltally_lag_seconds',
    'calltally_dead_letters_total',
    'calltally_recounts_total',
    'calltally_lost_events_total',
  ]) {
    t.ok(metrics.body.includes(`# TYPE ${name} `), name);
  }
});
