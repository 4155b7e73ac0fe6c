import { test } from 'tap';
import { endure, type Fault } from '../../src/endure.ts';
import { signalEngine } from '../../src/engines.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);
/** These ranges need rows, which cannot be read in time. */
const cut = [200, 503] as const;

test('Mongo fails in every way: whole days are answered, the rest gets 503 at once, all exact again', async (t) => {
  const world = await startWorld(t, { users: 10, lines: ['mongo'], own: ['mongo'] });
  const { mongo } = world.platform;
  const line = world.platform.line('mongo');
  const heal = () => line.heal();

  const faults: Fault[] = [
    { name: 'Mongo slow, 50 ms each way', begin: () => line.delay(50), end: heal },
    { name: 'Mongo slow, 500 ms each way', cut, begin: () => line.delay(500), end: heal },
    { name: 'Mongo behind a line of 20 kB/s', cut, begin: () => line.throttle(20_000), end: heal },
    {
      name: 'Mongo hung (SIGSTOP)',
      cut,
      begin: () => signalEngine(mongo, 'SIGSTOP'),
      end: () => signalEngine(mongo, 'SIGCONT'),
    },
    { name: 'Mongo cut off', cut, begin: () => line.cut(), end: heal },
    { name: 'Mongo half-open', cut, begin: () => line.halfOpen(), end: heal },
    {
      name: 'Mongo killed, back after a while',
      cut,
      amidTraffic: true,
      begin: () => mongo.stop('SIGKILL'),
      end: () => mongo.start(),
    },
    {
      name: 'Services started while Mongo is away',
      // An API that has just started knows no key yet.
      whole: [200, 503, 'none'],
      cut: [200, 503, 'none'],
      amidTraffic: true,
      begin: async () => {
        await mongo.stop('SIGKILL');
        await world.platform.restartServices();
      },
      end: () => mongo.start(),
    },
  ];
  for (const fault of faults) await t.test(fault.name, (t) => endure(t, world, report, fault));
});
