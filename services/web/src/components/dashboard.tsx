import { type CellFilter, isFiltered } from '@calltally/domain';
import { useMemo } from 'preact/hooks';
import { addressOf, daysOf } from '../choice.ts';
import { kindOf } from '../faults.ts';
import { queryOfFilter } from '../filters.ts';
import { useNow, useView } from '../hooks.ts';
import {
  datesOfPrevious,
  isKnown,
  nameOfPrevious,
  previousOf,
  queryOfPrevious,
  spanOfDays,
} from '../previous-period.ts';
import { clientOf, shownKey } from '../session.ts';
import { useLive } from '../use-live.ts';
import { useRefreshed } from '../use-refreshed.ts';
import { nameOfZone, queryOfZone, UTC } from '../zones.ts';
import { Brand } from './brand.tsx';
import { BreakdownPanel } from './breakdown-panel.tsx';
import { Announcer, Banner, LiveMark } from './connection.tsx';
import { DurationsPanel } from './durations-panel.tsx';
import { PeriodCounts, RangeCards } from './figures.tsx';
import { Filters } from './filters.tsx';
import { RangePicker } from './range-picker.tsx';
import { SeriesPanel } from './series-panel.tsx';
import { ZonePicker } from './zone-picker.tsx';

interface Props {
  apiKey: string;
  /** Whether its heading takes the focus. */
  takesFocus: boolean;
  /** @param why undefined if the person chose to */
  onSignOut(why?: string): void;
}

const PREVIOUS_GAP_MS = 15_000;
const MINUTE_MS = 60_000;

/** The page for a person who is signed in. */
export function Dashboard({ apiKey, takesFocus, onSignOut }: Props) {
  const [view, show] = useView();
  const { choice, filter, timeZone, isByHour } = view;
  const client = useMemo(() => clientOf(apiKey), [apiKey]);
  const { live, clock, range, filtered, retry } = useLive(client, view, onSignOut);
  const figures = live.figures?.range === range && clock !== undefined ? live.figures.data : undefined;
  const counts = live.figures?.filtered === filtered ? live.figures.data : undefined;
  const old = live.link.state === 'lost';
  const isRefused = live.link.state === 'lost' && kindOf(live.link.error) === 'invalid';
  const nowMs = Date.now() + (clock?.aheadMs ?? 0);
  const offsetMs = clock?.offsetMs ?? 0;
  const onFilter = (chosen: CellFilter) => show({ ...view, filter: chosen });

  // The previous period moves with the clock, also while no call comes in.
  const minute = Math.floor(useNow(MINUTE_MS) / MINUTE_MS);
  const previous = useRefreshed(
    // Ranges of the same dates may be compared with others.
    figures && `${addressOf(choice)} ${range}`,
    live.version + minute,
    PREVIOUS_GAP_MS,
    async (signal) => {
      const period = previousOf(choice, Date.now() + (clock?.aheadMs ?? 0) + offsetMs);
      if (!isKnown(period)) return undefined;
      const asked = queryOfPrevious(period);
      if (asked === undefined) return { period, data: undefined };
      const query = { ...asked, ...queryOfFilter(filter), ...queryOfZone(timeZone) };
      return { period, data: (await client.dashboard(query, { signal })).data };
    },
  );

  const days = clock && daysOf(choice, clock.today);
  const dates = days && spanOfDays(days.first, days.last);
  const against = previous.value && `compared with ${datesOfPrevious(previous.value.period, timeZone)}`;

  const asked = { client, choice, filter, timeZone, today: clock?.today, version: live.version };
  // Without any call, only the chart says so. With filters, others can be chosen.
  const hasCalls = figures === undefined ? !old : figures.total_calls > 0 || isFiltered(filter);

  return (
    <>
      <header class="top">
        <Brand />
        <LiveMark live={live} offsetMs={offsetMs} />
        <div class="who">
          <span class="key" title="The API key that this tab is signed in with">
            {shownKey(apiKey)}
          </span>
          <button type="button" onClick={() => onSignOut()}>
            Sign out
          </button>
        </div>
      </header>
      <main>
        {live.link.state === 'lost' && (
          <Banner link={live.link} asOf={live.asOf} offsetMs={offsetMs} onRetry={retry} />
        )}
        <Filters filter={filter} takesFocus={takesFocus} onFilter={onFilter}>
          <ZonePicker
            timeZone={timeZone}
            isRefused={isRefused}
            onChoose={(chosen) => show({ ...view, timeZone: chosen })}
          />
        </Filters>
        <PeriodCounts data={counts} old={old} />
        <section aria-labelledby="range-title">
          <div class="section-head">
            <div>
              <h2 id="range-title">
                <span class={dates && 'unseen'}>Range </span>
                {dates}
              </h2>
              <p class="against">{against ?? '\u00a0'}</p>
            </div>
            <RangePicker
              choice={choice}
              timeZone={timeZone}
              today={clock?.today}
              onChoose={(chosen) => show({ ...view, choice: chosen })}
            />
          </div>
          <RangeCards
            data={figures}
            previous={previous.value?.data}
            before={clock && nameOfPrevious(choice, clock.today)}
            isCompared={previous.value !== undefined}
            old={old}
          />
        </section>
        <div class="details" data-alone={!hasCalls}>
          <SeriesPanel
            {...asked}
            isByHour={isByHour}
            nowMs={nowMs}
            data={figures}
            old={old}
            onFilter={onFilter}
            onByHour={(chosen) => show({ ...view, isByHour: chosen })}
          />
          {hasCalls && <BreakdownPanel {...asked} old={old} onFilter={onFilter} />}
          {hasCalls && figures?.total_calls !== 0 && <DurationsPanel {...asked} old={old} />}
        </div>
      </main>
      <footer>
        <p>
          Days, weeks and months are{' '}
          {timeZone === UTC ? UTC : `those of ${nameOfZone(counts?.time_zone ?? timeZone)}`}. A call counts
          where it started. <a href="/docs">API documentation</a>
        </p>
      </footer>
      <Announcer link={live.link} data={figures} range={range} />
    </>
  );
}
