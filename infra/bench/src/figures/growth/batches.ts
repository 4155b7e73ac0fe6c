import type { Call } from '@calltally/domain';
import { type LedgerContext, recordBatch, writeCheckpoint } from '@calltally/ledger';
import { stopwatch, usEach } from '../../cpu-time.ts';
import { picture } from '../../picture.ts';
import type { Figure } from '../../results.ts';
import { World } from '../../world/world.ts';
import { Points } from './points.ts';

const SIZES = [1, 10, 100, 500, 2_000, 5_000];
/** As many as ingest records at once. */
const TAKEN = 2_000;
const USERS = 1_000;

export const growthBatches: Figure = {
  name: 'growth-batches',
  lines: [
    {
      name: 'growth-batches',
      unit: 'events/s',
    },
  ],
  pictures: ['batches'],
  async measure(bench, note) {
    const world = await World.start(bench, 'growth_batches');
    const ledger = await world.begin();
    const batches = new Batches(ledger);
    await batches.take(USERS * 10); // opens every user in Redis
    const [events, times] = [new Points(SIZES), new Points(SIZES)];
    for (let round = 0; round <= bench.rounds; round++) {
      const seen: { size: number; batchMs: number; us: number }[] = [];
      for (const size of SIZES) seen.push(await batches.mean(size, bench.size(1_500, 100)));
      if (round === 0) continue; // warms all of them up
      times.add(seen.map(({ batchMs }) => batchMs));
      const perSecond = seen.map(({ size, batchMs }) => (size / batchMs) * 1_000);
      const usOf = (wanted: number) => seen.find(({ size }) => size === wanted)!.us;
      note('growth-batches', {
        ...events.add(perSecond, [TAKEN, 1]),
        oursUs: usOf(TAKEN),
        otherUs: usOf(1),
      });
    }
    ledger.session.end('measured');

    const x = { title: 'events a batch', scale: 'log' } as const;
    const limit = { x: TAKEN, says: 'ingest takes 2 000' };
    const svg = picture('Larger batches', [
      { x, y: { title: 'events/s', scale: 'log' }, curves: [events.curve('events a second')], limit },
      { x, y: { title: 'a batch, ms', scale: 'log' }, curves: [times.curve('time of a batch')], limit },
    ]);
    bench.pictures.set('batches', svg);
  },
};

/** Consecutive events of one partition, recorded as ingest does after parsing them. */
class Batches {
  readonly #ledger: LedgerContext;
  #next = 0;

  constructor(ledger: LedgerContext) {
    this.#ledger = ledger;
  }

  /** The average time of a batch, and processor time of an event, over as many batches as fit into a time span. */
  async mean(size: number, forMs: number) {
    const spent = stopwatch();
    let taken = 0;
    for (const end = performance.now() + forMs; performance.now() < end; taken += 1) await this.take(size);
    const all = spent();
    return { size, batchMs: all.tookMs / taken, us: usEach(all, taken * size) };
  }

  async take(size: number): Promise<void> {
    const events = Array.from({ length: size }, () => this.#event());
    const through = this.#next - 1;
    await recordBatch(this.#ledger, { topicEpoch: 0, partition: 0, events, through });
    await writeCheckpoint(this.#ledger, { partition: '0:0', through });
  }

  #event(): { offset: number; call: Call } {
    const offset = this.#next;
    this.#next += 1;
    const call: Call = {
      callId: `batched-${offset}`,
      userId: `user-${Math.floor(Math.random() * USERS)}`,
      startedAt: Date.now(),
      durationMs: 60_000,
      direction: 'inbound',
      status: 'completed',
    };
    return { offset, call };
  }
}
