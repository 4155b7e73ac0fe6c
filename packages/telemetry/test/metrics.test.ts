import { test } from 'tap';
import { Counter, createMetrics, type FillingMeasured, measureFilling } from '../src/index.ts';

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
test('filling is measured at each scrape; unknown values are omitted', async (t) => {
  const registry = createMetrics('ingest');
  const filler: { -readonly [Name in keyof FillingMeasured]: FillingMeasured[Name] } = {
    pieces: 0,
    rows: 0,
    queue: undefined,
  };
  measureFilling(registry, filler);
  const told = async (name: string) =>
    new RegExp(`^${name}\\{service="ingest"\\} (.*)$`, 'm').exec(await registry.metrics())?.[1];
  t.equal(await told('calltally_filled_pieces_total'), '0');
  t.equal(await told('calltally_warming_users'), undefined);
  t.equal(await told('calltally_warming_oldest_seconds'), undefined);

  filler.pieces = 3;
  filler.rows = 70_000;
  filler.queue = { users: 12, oldestMs: Date.now() - 60_000 };
  t.equal(await told('calltally_filled_pieces_total'), '3');
  t.equal(await told('calltally_filled_rows_total'), '70000');
  t.equal(await told('calltally_warming_users'), '12');
  t.ok(Number(await told('calltally_warming_oldest_seconds')) >= 60);

  filler.pieces = 4;
  filler.queue = { users: 2, oldestMs: undefined };
  t.equal(await told('calltally_filled_pieces_total'), '4', 'in all, not in addition');
  t.equal(await told('calltally_warming_users'), '2');
  t.equal(await told('calltally_warming_oldest_seconds'), '0', 'all of them have a part');
  filler.queue = { users: 1, oldestMs: Date.now() + 60_000 };
  t.equal(await told('calltally_warming_oldest_seconds'), '0', 'by a clock behind');

  filler.queue = undefined;
  t.equal(await told('calltally_warming_users'), undefined, 'Redis is gone');
  t.equal(await told('calltally_warming_oldest_seconds'), undefined);
});
