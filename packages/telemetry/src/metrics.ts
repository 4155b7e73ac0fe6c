import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client';

/**
 * Creates a registry with metrics of the process (memory, event loop, garbage collection). Every sample has the label
 * `service`. Not prom-client's global registry, so that several apps can run in one process.
 */
export function createMetrics(service: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** What a filler exposes. A structural type, because telemetry imports no other package of calltally. */
export interface FillingMeasured {
  /** Pieces filled by this process, and the rows summed for them. */
  readonly pieces: number;
  readonly rows: number;
  /** Users in the fill queue, and since when (epoch ms) the oldest without any piece waits; undefined while unknown. */
  readonly queue: { readonly users: number; readonly oldestMs: number | undefined } | undefined;
}

/** Registers metrics that are read from the filler at each scrape. */
export function measureFilling(registry: Registry, filler: FillingMeasured): void {
  const registers = [registry];
  new Gauge({
    name: 'calltally_warming_users',
    help: 'Users in the fill queue, whose counters are not complete; the same in every process',
    registers,
    collect() {
      // Not `reset`, which would report 0 while the queue is unknown.
      this.remove();
      if (filler.queue !== undefined) this.set(filler.queue.users);
    },
  });
  new Gauge({
    name: 'calltally_warming_oldest_seconds',
    help: 'How long the oldest user without any filled piece has waited, unless reserved by a filler; 0 if there is none',
    registers,
    collect() {
      this.remove();
      if (filler.queue === undefined) return;
      const { oldestMs } = filler.queue;
      this.set(oldestMs === undefined ? 0 : Math.max(0, Date.now() - oldestMs) / 1_000);
    },
  });
  new Counter({
    name: 'calltally_filled_pieces_total',
    help: 'Pieces that this process has filled, one per user of a query',
    registers,
    collect() {
      this.reset();
      this.inc(filler.pieces);
    },
  });
  new Counter({
    name: 'calltally_filled_rows_total',
    help: 'Rows that this process has summed to fill pieces',
    registers,
    collect() {
      this.reset();
      this.inc(filler.rows);
    },
  });
}
