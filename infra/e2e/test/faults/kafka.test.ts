import { test } from 'tap';
import { endure, type Fault } from '../../src/endure.ts';
import { signalEngine } from '../../src/engines.ts';
import { FaultReport } from '../../src/fault-report.ts';
import { startWorld } from '../../src/world.ts';

const report = new FaultReport(import.meta.url);

test('Kafka fails: dashboards do not notice, and everything sent is counted once it is back', async (t) => {
  const world = await startWorld(t, { users: 10, own: ['kafka'] });
  const { kafka } = world.platform;
  const faults: Fault[] = [
    {
      name: 'Kafka hung (SIGSTOP)',
      begin: () => signalEngine(kafka, 'SIGSTOP'),
      end: () => signalEngine(kafka, 'SIGCONT'),
    },
    {
      name: 'Kafka killed, back after a while',
      amidTraffic: true,
      begin: () => kafka.stop('SIGKILL'),
      end: () => kafka.start(),
    },
    {
      name: 'Kafka restarted',
      amidTraffic: true,
      begin: async () => {
        await kafka.stop();
        await kafka.start();
      },
    },
    {
      name: 'Services started while Kafka is away',
      whole: [200, 'none'],
      cut: [200, 'none'],
      amidTraffic: true,
      begin: async () => {
        await kafka.stop('SIGKILL');
        await world.platform.restartServices();
      },
      end: () => kafka.start(),
    },
  ];
  for (const fault of faults) await t.test(fault.name, (t) => endure(t, world, report, fault));
});
