import type { Client, Dashboard } from '@calltally/client';
import type { CellFilter, SeriesInterval } from '@calltally/domain';
import { useState } from 'preact/hooks';
import { type Bar, barsOf, busiestOf, readout } from '../bars.ts';
import { type Choice, chartedOf, daysOf, hasHours, intervalOf, queryOf } from '../choice.ts';
import { queryOfFilter } from '../filters.ts';
import { hourBarsOf } from '../hour-bars.ts';
import { useRefreshed } from '../use-refreshed.ts';
import { queryOfZone } from '../zones.ts';
import { Chart } from './chart.tsx';
import { CsvButton } from './csv-button.tsx';
import { Empty, NoFigures } from './empty.tsx';
import { Fault } from './fault.tsx';
import { IntervalPicker } from './interval-picker.tsx';
import { SeriesTable } from './series-table.tsx';

interface Props {
  client: Client;
  choice: Choice;
  filter: CellFilter;
  timeZone: string;
  /** Whether hours are wanted, where there are not too many. */
  isByHour: boolean;
  /** The server's day in the time zone, once it is known. */
  today: number | undefined;
  /** The server's time, epoch ms; not before `today` is known. */
  nowMs: number;
  /** The figures of the range, once they are there. */
  data: Dashboard | undefined;
  version: number;
  old: boolean;
  onFilter(filter: CellFilter): void;
  onByHour(isByHour: boolean): void;
}

const SERIES_GAP_MS = 2_000;
/** Hours begin at quarters of a UTC hour, wherever. */
const QUARTER_MS = 900_000;
const UNITS: Readonly<Record<SeriesInterval, string>> = {
  hour: 'Hour',
  day: 'Day',
  week: 'Week',
  month: 'Month',
};

/** The range by hours, days, weeks or months, as a chart, a table and a file. */
export function SeriesPanel(props: Props) {
  const { client, choice, filter, timeZone, isByHour, today, nowMs, data, version, old, onFilter } = props;
  const [isTable, setIsTable] = useState(false);
  const days = today === undefined ? undefined : daysOf(choice, today);
  const interval = days === undefined ? 'day' : intervalOf(days, isByHour);
  const queryFrom = (first?: number) =>
    today === undefined
      ? {}
      : { interval, ...queryOf(choice, today, first), ...queryOfFilter(filter), ...queryOfZone(timeZone) };
  const asked = queryFrom(days && chartedOf(days, interval).first);
  // Another hour begins also while no call comes in.
  const quarter = interval === 'hour' ? Math.floor(nowMs / QUARTER_MS) : 0;
  const series = useRefreshed(data && JSON.stringify(asked), version + quarter, SERIES_GAP_MS, (signal) =>
    client.timeseries(asked, { signal }),
  );
  const name = `Calls and minutes by ${interval}`;
  const bars =
    series.value && days && today !== undefined
      ? interval === 'hour'
        ? hourBarsOf(series.value.data.buckets, nowMs)
        : barsOf(series.value.data.buckets, interval, days, today)
      : undefined;

  return (
    <section class="panel series" aria-labelledby="series-title">
      <div class="section-head">
        <h2 id="series-title">{name}</h2>
        <div class="actions">
          {days !== undefined && hasHours(days) && (
            <IntervalPicker isByHour={isByHour} onByHour={props.onByHour} />
          )}
          <button
            type="button"
            aria-expanded={isTable}
            aria-controls={isTable ? 'series-table' : undefined}
            disabled={bars === undefined || data?.total_calls === 0}
            onClick={() => setIsTable(!isTable)}
          >
            {isTable ? 'Hide table' : 'Show table'}
          </button>
          <CsvButton client={client} query={queryFrom()} disabled={bars === undefined} />
        </div>
      </div>
      {series.fault !== undefined && !old && (
        <Fault what="chart" isThere={bars !== undefined} error={series.fault.error} onRetry={series.retry} />
      )}
      <div class="plot" data-old={old || series.fault !== undefined}>
        {content()}
      </div>
    </section>
  );

  function content() {
    if (data === undefined && old) return <NoFigures />;
    if (data === undefined || bars === undefined) return <div class="chart-bone" aria-busy="true" />;
    if (data.total_calls === 0) {
      return <Empty client={client} data={data} version={version} filter={filter} onFilter={onFilter} />;
    }
    return (
      <>
        <Chart name={name} interval={interval} summary={summaryOf(bars, interval)} bars={bars} />
        {isTable && <SeriesTable name={name} unit={UNITS[interval]} bars={bars} />}
      </>
    );
  }
}

function summaryOf(bars: readonly Bar[], interval: SeriesInterval): string {
  const inRange = bars.filter(({ note }) => note !== 'before');
  const busiest = readout(busiestOf(inRange));
  return inRange.length === 1 ? busiest : `Busiest ${interval}: ${busiest}`;
}
