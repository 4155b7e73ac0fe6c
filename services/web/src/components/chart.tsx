import type { SeriesInterval } from '@calltally/domain';
import { scaleBand } from 'd3-scale';
import { useRef, useState } from 'preact/hooks';
import { type Bar, readout } from '../bars.ts';
import { useSize } from '../hooks.ts';
import { ticksOf } from '../ticks.ts';
import { ChartPanel } from './chart-panel.tsx';

interface Props {
  name: string;
  /** Shown while no bar is selected. */
  summary: string;
  interval: SeriesInterval;
  bars: readonly Bar[];
}

const PANELS = [
  { field: 'calls', title: 'Calls', height: 132 },
  { field: 'minutes', title: 'Minutes', height: 104 },
] as const;
const LEFT = 44;
const RIGHT = 4;
/** Room for a panel's title above its bars. */
const HEAD = 38;
const FOOT = 26;
const BAR_WIDTH_MAX = 44;
/** Half of a label's width, so that the last one ends with the chart. */
const TICK_HALF: Readonly<Record<SeriesInterval, number>> = { hour: 20, day: 20, week: 20, month: 29 };
/** What Page Up and Page Down move over: a day or a week. */
const PAGE: Readonly<Record<SeriesInterval, number>> = { hour: 24, day: 7, week: 7, month: 7 };
const HEIGHT = PANELS.reduce((sum, { height }) => sum + HEAD + height, FOOT);

/**
 * Calls and minutes as bars over one axis of time. Arrow keys or a pointer select a bar. To assistive technology it is a
 * slider, the only widget whose value every screen reader reads out after an arrow key.
 */
export function Chart({ name, summary, interval, bars }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const [chosen, setChosen] = useState<number>();
  const [pointed, setPointed] = useState<number>();
  const last = bars.length - 1;
  const at = pointed ?? chosen;
  const shown = at === undefined ? undefined : bars[Math.min(at, last)];

  const x = scaleBand<number>()
    .domain(bars.keys())
    .range([LEFT, Math.max(LEFT + 1, width - RIGHT)])
    .paddingInner(bars.length > 120 ? 0.1 : 0.28)
    .paddingOuter(0.1);
  const barWidth = Math.min(x.bandwidth(), BAR_WIDTH_MAX);
  const middleOf = (index: number) => (x(index) ?? 0) + x.bandwidth() / 2;

  const point = (event: PointerEvent) => {
    const left = frame.current?.getBoundingClientRect().left ?? 0;
    const index = Math.floor((event.clientX - left - LEFT) / x.step());
    setPointed(Math.max(0, Math.min(last, index)));
  };
  const press = (event: KeyboardEvent) => {
    const from = Math.min(chosen ?? last, last);
    const page = PAGE[interval];
    const moves: Record<string, number> = {
      ArrowLeft: from - 1,
      ArrowDown: from - 1,
      ArrowRight: from + 1,
      ArrowUp: from + 1,
      PageDown: from - page,
      PageUp: from + page,
      Home: 0,
      End: last,
    };
    const to = moves[event.key];
    if (to === undefined) return;
    event.preventDefault();
    setPointed(undefined);
    setChosen(Math.max(0, Math.min(last, to)));
  };

  const value = Math.min(chosen ?? last, last);
  const notes = [...new Set(bars.flatMap(({ note }) => note ?? []))];
  return (
    <div
      class="chart"
      tabIndex={0}
      role="slider"
      aria-label={name}
      aria-description={`${summary}. Arrow keys move from one to the next.`}
      aria-orientation="horizontal"
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={value}
      aria-valuetext={bars[value] && readout(bars[value])}
      onKeyDown={press}
      onFocus={() => setChosen((index) => index ?? last)}
      onBlur={() => setChosen(undefined)}
    >
      <p class="readout" aria-hidden="true">
        <span>{shown === undefined ? summary : readout(shown)}</span>
        <span class="legends">
          {notes.map((note) => (
            <span class="legend" data-note={note} key={note}>
              {note}
            </span>
          ))}
        </span>
      </p>
      <div ref={frame}>
        <svg
          width={width}
          height={HEIGHT}
          aria-hidden="true"
          onPointerMove={point}
          onPointerDown={point}
          onPointerLeave={(event) => event.pointerType === 'mouse' && setPointed(undefined)}
        >
          {at !== undefined && shown !== undefined && (
            <rect
              class="band"
              x={middleOf(Math.min(at, last)) - x.step() / 2}
              y={HEAD - 8}
              width={x.step()}
              height={HEIGHT - FOOT - HEAD + 8}
            />
          )}
          {PANELS.map((panel, index) => (
            <ChartPanel
              key={panel.field}
              {...panel}
              top={PANELS.slice(0, index).reduce((sum, { height }) => sum + HEAD + height, HEAD)}
              left={LEFT}
              width={width}
              barWidth={barWidth}
              middleOf={middleOf}
              bars={bars}
              shown={shown}
            />
          ))}
          <g class="ticks">
            {ticksOf(bars, interval, x.step()).map(({ index, text }) => (
              <text
                key={index}
                x={Math.min(middleOf(index), width - TICK_HALF[interval])}
                y={HEIGHT - 6}
                text-anchor="middle"
              >
                {text}
              </text>
            ))}
          </g>
        </svg>
      </div>
    </div>
  );
}
