import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld, until } from './support.ts';

test('every metric is exposed under its name', async (t) => {
  const { app } = await testApi(t, await testWorld(t));
  const { body } = await app.inject('/metrics');
  for (const name of [
    'calltally_dashboard_answers_total',
    'calltally_timeseries_answers_total',
    'calltally_breakdown_answers_total',
    'calltally_durations_answers_total',
    'calltally_read_duration_seconds',
    'calltally_api_key_checks_total',
    'calltally_api_keys_known',
    'calltally_warming_users',
    'calltally_warming_oldest_seconds',
    'calltally_filled_pieces_total',
    'calltally_filled_rows_total',
    'calltally_counters_link_up',
  ]) {
    t.ok(body.includes(`# TYPE ${name} `), name);
  }
});

test('as-of is exposed by source, and absent while unknown', async (t) => {
  const world = await testWorld(t);
  const { app } = await testApi(t, world);
  const asOf = async () =>
    new Map(
      [...(await app.inject('/metrics')).body.matchAll(/^calltally_as_of_.*source="(\w+)".* (\S+)$/gm)].map(
        ([, source, value]) => [source, Number(value)],
      ),
    );
  t.same([...(await asOf())], []);
  const before = Date.now() / 1000;
  await world.count(callsAt('somebody', [NOW_MS], 1_000));
  const told = await until(asOf, (last) => last.size === 2);
  for (const source of ['counters', 'mongo']) {
    const value = told.get(source) ?? 0;
    t.ok(value >= before && value <= Date.now() / 1000, `${source}: ${value}`);
  }
  await world.emptyRedis();
  t.same([...(await until(asOf, (last) => last.size === 1)).keys()], ['mongo'], 'an empty Redis has none');
});
