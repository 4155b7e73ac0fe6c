import { type CellFilter, isFiltered } from '@calltally/domain';
import { useMemo } from 'preact/hooks';
import { daysOf } from '../choice.ts';
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
import { addressOfView } from '../view.ts';
import { Brand } from './brand.tsx';
import { BreakdownPanel } from './breakdown-panel.tsx';
import { Announcer, Banner, LiveMark } from './connection.tsx';
import { DurationsPanel } from './durations-panel.tsx';
import { PeriodCounts, RangeCards } from './figures.tsx';
import { Filters } from './filters.tsx';
import { RangePicker } from './range-picker.tsx';
import { SeriesPanel } from './series-panel.tsx';

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
  const { choice, filter } = view;
  const client = useMemo(() => clientOf(apiKey), [apiKey]);
  const { live, clock, range, filtered, retry } = useLive(client, choice, filter, onSignOut);
  const figures = live.figures?.range === range && clock !== undefined ? live.figures.data : undefined;
  const counts = live.figures?.filtered === filtered ? live.figures.data : undefined;
  const old = live.link.state === 'lost';
  const onFilter = (chosen: CellFilter) => show({ choice, filter: chosen });

  // The previous period moves with the clock, also while no call comes in.
  const minute = Math.floor(useNow(MINUTE_MS) / MINUTE_MS);
  const previous = useRefreshed(
    figures && clock && `${addressOfView(view)} ${clock.today}`,
    live.version + minute,
    PREVIOUS_GAP_MS,
    async (signal) => {
      const period = previousOf(choice, Date.now() + (clock?.aheadMs ?? 0));
      if (!isKnown(period)) return undefined;
      const asked = queryOfPrevious(period);
      if (asked === undefined) return { period, data: undefined };
      const query = { ...asked, ...queryOfFilter(filter) };
      return { period, data: (await client.dashboard(query, { signal })).data };
    },
  );

  const days = clock && daysOf(choice, clock.today);
  const dates = days && spanOfDays(days.first, days.last);
  const against = previous.value && `compared with ${datesOfPrevious(previous.value.period)}`;

  const asked = { client, choice, filter, today: clock?.today, version: live.version };
  // Without any call, only the chart says so. With filters, others can be chosen.
  const hasCalls = figures === undefined ? !old : figures.total_calls > 0 || isFiltered(filter);

  return (
    <>
      <header class="top">
        <Brand />
        <LiveMark live={live} />
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
        {live.link.state === 'lost' && <Banner link={live.link} asOf={live.asOf} onRetry={retry} />}
        <Filters filter={filter} takesFocus={takesFocus} onFilter={onFilter} />
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
              today={clock?.today}
              onChoose={(chosen) => show({ choice: chosen, filter })}
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
          <SeriesPanel {...asked} data={figures} old={old} onFilter={onFilter} />
          {hasCalls && <BreakdownPanel {...asked} old={old} onFilter={onFilter} />}
          {hasCalls && figures?.total_calls !== 0 && <DurationsPanel {...asked} old={old} />}
        </div>
      </main>
      <footer>
        <p>
          Days, weeks and months are UTC. A call counts where it started.{' '}
          <a href="/docs">API documentation</a>
        </p>
      </footer>
      <Announcer link={live.link} data={figures} range={range} />
    </>
  );
}
