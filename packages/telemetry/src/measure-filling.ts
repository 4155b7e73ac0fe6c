import { Counter, Gauge, type Registry } from 'prom-client';

/** What is told of users whose counters are being filled; structural, since telemetry imports none of ours. */
export interface FillingMeasured {
  /** Pieces filled in by this process, and rows added up for them. */
  readonly pieces: number;
  readonly rows: number;
  /** Who waits in Redis, and epoch ms since when the first of those with nothing yet does; undefined while unknown. */
  readonly queue: { readonly users: number; readonly oldestMs: number | undefined } | undefined;
}

/** Measures it when somebody asks. */
export function measureFilling(registry: Registry, filler: FillingMeasured): void {
  const registers = [registry];
  new Gauge({
    name: 'calltally_warming_users',
    help: 'Users whose counters are not complete and wait to be filled from Mongo; the same whichever process tells it',
    registers,
    collect() {
      // A gauge that is reset says 0.
      this.remove();
      if (filler.queue !== undefined) this.set(filler.queue.users);
    },
  });
  new Gauge({
    name: 'calltally_warming_oldest_seconds',
    help: 'How long the first of them has waited of whom nothing is filled in and who is not being worked on; 0 without one',
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
    help: 'Pieces that this process has added up to fill users, one for each user of a query',
    registers,
    collect() {
      this.reset();
      this.inc(filler.pieces);
    },
  });
  new Counter({
    name: 'calltally_filled_rows_total',
    help: 'Rows that this process has added up for them',
    registers,
    collect() {
      this.reset();
      this.inc(filler.rows);
    },
  });
}
