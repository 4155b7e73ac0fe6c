import { type CountersReading, hasGeneration, readBuckets, readGenerations } from '@calltally/counters';
import {
  type CellFilter,
  type CellTally,
  DAY_MS,
  type DashboardWindows,
  type Dimension,
  dashboardWindows,
  type Range,
  type SeriesInterval,
  type Tally,
  zoneSeriesOf,
} from '@calltally/domain';
import type { Cut, CutOrAsk } from '@calltally/store';
import {
  CellsReader,
  type CountersLink,
  DashboardReader,
  type DashboardReading,
  fallbackLimit,
  openCold,
  RowsAsOf,
  SeriesReader,
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
  windows: DashboardWindows;
  range: Range;
  cut: Cut;
}

/** What the API does for a dashboard whose range cuts days: reads counters and edges, or Mongo alone. */
export function dashboard(
  userId: string,
  found: (dashboard: Dashboard) => void,
  { fromRows = false, timeZone = 'UTC' } = {},
): Work {
  return reading(fromRows, async (parts, cut, range, nowMs) => {
    const windows = dashboardWindows(nowMs, timeZone);
    const reading = await new DashboardReader(parts).read(userId, range, nowMs, undefined, windows);
    found({ reading, windows, range, cut: cut() });
  });
}

/** What was told of each bucket of a series. */
export interface SeriesTold {
  tallies: Tally[];
  buckets: readonly Range[];
  range: Range;
  cut: Cut;
}

/** Hours that are read, so few that counters have them in few pieces: until now, with calls of two weeks. */
const HOURS_MS = 8 * DAY_MS;

/** What the API does for a series of hours, or of days or weeks of a time zone. */
export function series(
  userId: string,
  found: (series: SeriesTold) => void,
  {
    interval,
    timeZone,
    fromRows = false,
  }: { interval: SeriesInterval; timeZone: string; fromRows?: boolean },
): Work {
  return reading(fromRows, async (parts, cut, { from, until }, nowMs) => {
    const range = { from: interval === 'hour' ? until - HOURS_MS : from, until };
    const zoned = zoneSeriesOf(range, interval, timeZone);
    const { tallies } = await new SeriesReader(parts).read(userId, range, zoned, nowMs);
    found({ tallies, buckets: zoned.buckets, range, cut: cut() });
  });
}

/** What was told of calls by agent and status, or of those that failed by agent. */
export interface Breakdown {
  groups: CellTally[];
  by: readonly Dimension[];
  filter: CellFilter;
  range: Range;
  cut: Cut;
}

/** What the API does for a breakdown, of the same range. */
export function breakdown(
  userId: string,
  found: (breakdown: Breakdown) => void,
  { fromRows = false, ofFailed = false } = {},
): Work {
  return reading(fromRows, async (parts, cut, range, nowMs) => {
    const by: readonly Dimension[] = ofFailed ? ['agent'] : ['agent', 'status'];
    const filter: CellFilter = ofFailed ? { status: ['failed'] } : {};
    const { groups } = await new CellsReader(parts).breakdown(userId, range, by, filter, nowMs);
    found({ groups, by, filter, range, cut: cut() });
  });
}

type Parts = ConstructorParameters<typeof CellsReader>[0];

/** @param read told what readers need, and how to learn the cut of what they have read of Mongo last */
function reading(
  fromRows: boolean,
  read: (parts: Parts, cut: () => Cut, range: Range, nowMs: number) => Promise<void>,
): Work {
  return async ({ store, open }) => {
    await unlessCut(async () => {
      const session = open();
      const generations = await readGenerations(session);
      const live = fromRows ? undefined : { session, generations, asOfMs: undefined };
      let cut: Cut | undefined;
      const noted = async (asked: CutOrAsk) => {
        cut = typeof asked === 'function' ? await asked() : asked;
        return cut;
      };
      const { tallies } = store;
      const parts: Parts = {
        link: { current: live } as CountersLink,
        filler: { add: () => {} },
        rowsAsOf: new RowsAsOf(store),
        fallbacks: fallbackLimit(),
        store: {
          tallies: {
            sumByRange: async (id, ranges, asked, filter) =>
              tallies.sumByRange(id, ranges, await noted(asked), filter),
            sumBySlot: async (id, ranges, slots, asked, filter) =>
              tallies.sumBySlot(id, ranges, slots, await noted(asked), filter),
            sumByCell: async (id, ranges, asked, by, filter) =>
              tallies.sumByCell(id, ranges, await noted(asked), by, filter),
          },
        },
      };
      const nowMs = Date.now();
      await read(parts, () => cut!, { from: nowMs - RANGE_MS, until: nowMs }, nowMs);
      session.end('done');
      return true;
    });
  };
}
