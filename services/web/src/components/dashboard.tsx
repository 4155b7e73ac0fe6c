import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { addressOf, type Choice, choiceOfAddress, daysOf, USUAL_CHOICE } from '../choice.ts';
import { useNow } from '../hooks.ts';
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
import { Brand } from './brand.tsx';
import { Announcer, Banner, LiveMark } from './connection.tsx';
import { PeriodCounts, RangeCards } from './figures.tsx';
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
  const [choice, setChoice] = useState<Choice>(() => choiceOfAddress(location.search) ?? USUAL_CHOICE);
  const client = useMemo(() => clientOf(apiKey), [apiKey]);
  const { live, clock, range, retry } = useLive(client, choice, onSignOut);
  const figures = live.figures?.range === range && clock !== undefined ? live.figures.data : undefined;
  const old = live.link.state === 'lost';

  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (takesFocus) heading.current?.focus();
  }, [takesFocus]);

  const choose = (chosen: Choice) => {
    setChoice(chosen);
    history.replaceState(null, '', addressOf(chosen));
  };

  // The previous period moves with the clock, also while no call comes in.
  const minute = Math.floor(useNow(MINUTE_MS) / MINUTE_MS);
  const previous = useRefreshed(
    figures && clock && `${addressOf(choice)} ${clock.today}`,
    live.version + minute,
    PREVIOUS_GAP_MS,
    async (signal) => {
      const period = previousOf(choice, Date.now() + (clock?.aheadMs ?? 0));
      if (!isKnown(period)) return undefined;
      const asked = queryOfPrevious(period);
      return { period, data: asked && (await client.dashboard(asked, { signal })).data };
    },
  );

  const days = clock && daysOf(choice, clock.today);
  const dates = days && spanOfDays(days.first, days.last);
  const against = previous.value && `compared with ${datesOfPrevious(previous.value.period)}`;

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
        <h1 class="unseen" ref={heading} tabIndex={-1}>
          Calls
        </h1>
        {live.link.state === 'lost' && <Banner link={live.link} asOf={live.asOf} onRetry={retry} />}
        <PeriodCounts data={live.figures?.data} old={old} />
        <section aria-labelledby="range-title">
          <div class="section-head">
            <div>
              <h2 id="range-title">
                <span class={dates && 'unseen'}>Range </span>
                {dates}
              </h2>
              <p class="against">{against ?? '\u00a0'}</p>
            </div>
            <RangePicker choice={choice} today={clock?.today} onChoose={choose} />
          </div>
          <RangeCards
            data={figures}
            previous={previous.value?.data}
            before={clock && nameOfPrevious(choice, clock.today)}
            isCompared={previous.value !== undefined}
            old={old}
          />
        </section>
        <SeriesPanel
          client={client}
          choice={choice}
          today={clock?.today}
          data={figures}
          version={live.version}
          old={old}
        />
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
