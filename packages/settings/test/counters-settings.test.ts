import { test } from 'tap';
import {
  apiSettings,
  type Environment,
  FillSettings,
  ingestSettings,
  opsSettings,
  readSettings,
} from '../src/index.ts';
import { faultsOf } from './faults-of.ts';

const fill = (env: Environment) => readSettings([FillSettings], env).fill;

test('FILL_SLOTS is 1 to 64', (t) => {
  t.same(fill({}), { slots: 1 });
  t.same(fill({ FILL_SLOTS: '1' }), { slots: 1 });
  t.same(fill({ FILL_SLOTS: '64' }), { slots: 64 });
  for (const slots of ['0', '65', '-1', '1.5', 'two'])
    t.match(faultsOf([FillSettings], { FILL_SLOTS: slots }), [{ variable: 'FILL_SLOTS' }], slots);
  t.end();
});

test('all processes that fill users read FILL_SLOTS', (t) => {
  for (const some of [apiSettings, ingestSettings, opsSettings])
    t.ok([...some].includes(FillSettings as never));
  t.end();
});
