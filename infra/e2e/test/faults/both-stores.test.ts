import { test } from 'tap';
import { ask } from '../../src/dashboard.ts';
import { endure, type Fault } from '../../src/endure.ts';
import { signalEngine } from '../../src/engines.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);

test('both stores fail: 503 with Retry-After at once for whatever is not remembered, and exact again', async (t) => {
  const world = await startWorld(t, { users: 6, own: ['mongo'] });
  const { api, redis, mongo } = world.platform;
  const [key] = world.keys.values();
  const stores = [redis, mongo];

  const faults: Fault[] = [
    {
      name: 'Both stores killed',
      begin: () => Promise.all(stores.map((store) => store.stop('SIGKILL'))),
      end: () => Promise.all(stores.map((store) => store.start())),
    },
    {
      name: 'Both stores hung (SIGSTOP)',
      begin: () => stores.map((store) => signalEngine(store, 'SIGSTOP')),
      end: () => stores.map((store) => signalEngine(store, 'SIGCONT')),
    },
  ];
  for (const { begin, ...fault } of faults) {
    await t.test(fault.name, async (t) => {
      const beginAndAsk = async () => {
        await begin();
        // Nobody has asked for this, so it is not remembered.
        const { status } = await ask(api.url, key!, 'start_date=2025-02-03&end_date=2025-02-04');
        t.equal(status, 503, 'no store can answer');
        t.equal((await fetch(`${api.url}/healthz`)).status, 200, 'the API is still alive');
      };
      // Answers from before and after the outage are exact. This also checks how fast each 503 comes.
      const both = { whole: [200, 503], cut: [200, 503] };
      await endure(t, world, report, { ...fault, ...both, begin: beginAndAsk });
    });
  }
});
