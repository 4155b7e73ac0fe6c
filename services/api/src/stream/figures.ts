import { createHash } from 'node:crypto';
import { dashboardData, dayOf, type EffectiveRange } from '@calltally/domain';
import type { AnswerSource, DashboardReading } from '@calltally/ledger';
import type { DashboardQuery } from '../schemas/dashboard.ts';
import { dashboardEvent } from './sse.ts';

/** One state of a dashboard, made ready for everybody who is to be sent it. */
export interface Figures {
  /** The same for the same figures of the same range and UTC day. */
  id: string;
  event: string;
  source: AnswerSource;
  /** Epoch ms; undefined while unknown. */
  asOfMs: number | undefined;
}

/** What a listener is to be shown now. */
export interface Shown {
  /** Undefined until they were read once. */
  readonly figures: Figures | undefined;
  /** Everything acknowledged by then is in the figures, epoch ms; undefined while unknown. */
  readonly asOfMs: number | undefined;
}

const ID_LENGTH = 16;

export function figuresOf(
  reading: DashboardReading,
  range: EffectiveRange,
  query: Pick<DashboardQuery, 'end_date'>,
  nowMs: number,
): Figures {
  const data = dashboardData(reading, range);
  const { date_range, ...figures } = data;
  // A range without an end ends a little later each time, which changes nothing that anybody would look at.
  const end = query.end_date === undefined ? '' : date_range.end_date;
  const meant = JSON.stringify([figures, date_range.start_date, end, dayOf(nowMs)]);
  const id = createHash('sha256').update(meant).digest('base64url').slice(0, ID_LENGTH);
  const { source, asOfMs } = reading;
  return { id, event: dashboardEvent(id, JSON.stringify(data)), source, asOfMs };
}
