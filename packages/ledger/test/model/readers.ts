import { type CountersReading, hasGeneration, readBuckets, readGenerations } from '@calltally/counters';
import { DAY_MS, type Range } from '@calltally/domain';
import type { Cut, Tallies } from '@calltally/store';
import {
  type CountersLink,
  DashboardReader,
  type DashboardReading,
  fallbackLimit,
  openCold,
  RowsAsOf,
} from '../../src/index.ts';
import { unlessCut, type Work, withLedger } from './workers.ts';

/** What the API does behind an answer from Mongo. */
export function open(userIds: readonly string[]): Work {
  return withLedger(async (ledger) => {
    const { session, generations } = ledger;
    await openCold(
      ledger,
      userIds.filter((userId) => hasGeneration(session, generations, userId)),
    );
  }, true);
}

/** What the API does for a dashboard: reads the default window, and stores the window sums. */
export function read(userId: string, found: (reading: CountersReading) => void): Work {
  return withLedger(async ({ session, generations }) => {
    if (!session.reaches(userId)) return;
    const reading = await readBuckets(session, generations, userId, Date.now(), []);
    if (reading !== undefined) found(reading);
  }, true);
}

/** Until now. Calls start just before and after both ends, within the days that it cuts. */
const RANGE_MS = 42 * DAY_MS;

/** What was told to whom, and the cut that it was read at. */
export interface Dashboard {
  reading: DashboardReading;
  range: Range;
  cut: Cut;
}

/** What the API does for a dashboard whose range cuts days: reads counters and edges, or Mongo alone. */
export function dashboard(userId: string, found: (dashboard: Dashboard) => void, fromRows = false): Work {
  return async ({ store, open }) => {
    await unlessCut(async () => {
      const session = open();
      const generations = await readGenerations(session);
      const live = fromRows ? undefined : { session, generations, asOfMs: undefined };
      let cut: Cut | undefined;
      const tallies: Pick<Tallies, 'sumByRange'> = {
        sumByRange: async (id, ranges, asked) => {
          const now = typeof asked === 'function' ? await asked() : asked;
          cut = now;
          return store.tallies.sumByRange(id, ranges, now);
        },
      };
      const reader = new DashboardReader({
        link: { current: live } as CountersLink,
        filler: { add: () => {} },
        rowsAsOf: new RowsAsOf(store),
        fallbacks: fallbackLimit(),
        store: { tallies },
      });
      const nowMs = Date.now();
      const range = { from: nowMs - RANGE_MS, until: nowMs };
      const reading = await reader.read(userId, range, nowMs);
      if (cut !== undefined) found({ reading, range, cut });
      session.end('done');
      return true;
    });
  };
}
