import { test } from 'tap';
import { testApi, testWorld } from './support.ts';

test('what is measured is there under its name', async (t) => {
  const { app } = await testApi(t, await testWorld(t));
  const { body } = await app.inject('/metrics');
  for (const name of [
    'calltally_dashboard_answers_total',
    'calltally_api_key_checks_total',
    'calltally_api_keys_known',
    'calltally_recounts_waiting',
    'calltally_counters_link_up',
  ]) {
    t.ok(body.includes(`# TYPE ${name} `), name);
  }
});
