import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { mongo } from '../engines.ts';
import { serverUs } from '../load/load-generator.ts';
import { API, NodeProcess } from '../processes.ts';
import type { Figure } from '../results.ts';
import { takeTurns } from '../statistics.ts';
import { dashboards } from '../world/dashboards.ts';
import { backlog, Topic } from '../world/topic.ts';

/** Sampled as a busy platform would, and everything. */
const READS = [
  { name: 'tracing-read-hundredth', ratio: '0.01' },
  { name: 'tracing-read', ratio: '1' },
];

/** Processor time with traces and without. */
export const tracing: Figure = {
  name: 'tracing',
  lines: [...READS, { name: 'tracing-ingest' }].map(({ name }) => ({ name, unit: 'µs' })),
  async measure(bench, note) {
    const endpoint = await startSink(bench);
    const { api, load, world } = await bench.shared(dashboards);
    const seconds = bench.size(10, 2);
    const perRequest = async (server: NodeProcess) => serverUs(await load.throughput(server, seconds));
    for (const { name, ratio } of READS) {
      const traced = await NodeProcess.start(bench, API, {
        ...world.environment,
        ...recorded(endpoint, ratio),
      });
      await load.everyKeyOnce(traced);
      for (const server of [api, traced]) await perRequest(server);
      for (let round = 1; round <= bench.rounds; round++) {
        note(
          name,
          await takeTurns(
            round,
            () => perRequest(traced),
            () => perRequest(api),
          ),
        );
      }
      await traced.stop();
    }
    const { address } = await bench.shared(mongo);
    for (let round = 1; round <= bench.rounds; round++) {
      const events = backlog(`traced-${round}`, bench.size(200_000, 6_000));
      const perEvent = async (name: string, settings: Record<string, string>) => {
        const topic = await Topic.create(bench, `${name}-${round}`);
        await topic.send(events);
        const uri = `${address}/${topic.name.replaceAll('-', '_')}`;
        const { ingest, stop } = await countTopic(bench, topic, uri, events.length, settings);
        const used = ingest.cpuSeconds() ?? 0;
        await stop();
        return (used / events.length) * 1e6;
      };
      note(
        'tracing-ingest',
        await takeTurns(
          round,
          () => perEvent('traced', recorded(endpoint, '1')),
          () => perEvent('untraced', {}),
        ),
      );
    }
  },
};

function recorded(endpoint: string, ratio: string): Record<string, string> {
  return {
    OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
    OTEL_TRACES_SAMPLER: 'traceidratio',
    OTEL_TRACES_SAMPLER_ARG: ratio,
  };
}

/** A collector that takes everything and keeps nothing. */
async function startSink(bench: Bench): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.end());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  bench.atEnd(() => server.closeAllConnections());
  bench.atEnd(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
