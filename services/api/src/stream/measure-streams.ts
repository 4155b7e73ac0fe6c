import { Counter, Gauge, type Registry } from '@calltally/telemetry';
import type { EndReason } from './listener.ts';

/** What is measured of streams, taken when somebody asks. */
export function measureStreams(
  metrics: Registry,
  streams: { readonly open: number; readonly ended: Readonly<Record<EndReason, number>> },
): void {
  new Gauge({
    name: 'calltally_streams_open',
    help: 'Streams of figures that are open',
    registers: [metrics],
    collect() {
      this.set(streams.open);
    },
  });
  new Counter({
    name: 'calltally_streams_ended_total',
    help: 'Streams by why they ended: client went, key no longer valid, client stuck, had its time (age), process stopping',
    labelNames: ['reason'],
    registers: [metrics],
    collect() {
      this.reset();
      for (const [reason, count] of Object.entries(streams.ended)) this.inc({ reason }, count);
    },
  });
}
