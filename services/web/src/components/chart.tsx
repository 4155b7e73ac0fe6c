import { scaleBand, scaleLinear } from 'd3-scale';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Bar, readout } from '../buckets.ts';
import { short } from '../numbers.ts';

interface Props {
  name: string;
  /** What all bars say together, shown while none is pointed at. */
  summary: string;
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
const TICK_WIDTH = { day: 68, month: 84 };
/** Steps from one named bar to the next: a week of days reads better than five of them. */
const TICK_STEPS = [1, 2, 7, 14, 28];
/** So that the last name ends with the chart. */
const TICK_HALF = 20;
const GRID_LINES = 3;
const HEIGHT = PANELS.reduce((sum, { height }) => sum + HEAD + height, FOOT);

/**
 * Calls and minutes as bars over one axis of time. Moved through by arrow keys or pointer, bar by bar; to assistive
 * technology it is a slider, the one widget whose value any screen reader reads out with every arrow key.
 */
export function Chart({ name, summary, bars }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const width = useWidth(frame);
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
    const page = 7;
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
        {notes.map((note) => (
          <span class="legend" key={note}>
            {note}
          </span>
        ))}
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
          <title>{name}</title>
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
            <Panel
              key={panel.field}
              {...panel}
              top={PANELS.slice(0, index).reduce((sum, { height }) => sum + HEAD + height, HEAD)}
              width={width}
              barWidth={barWidth}
              middleOf={middleOf}
              bars={bars}
              shown={shown}
            />
          ))}
          <g class="ticks">
            {ticksOf(bars, x.step()).map((index) => (
              <text
                key={index}
                x={Math.min(middleOf(index), width - TICK_HALF)}
                y={HEIGHT - 6}
                text-anchor="middle"
              >
                {bars[index]?.tick}
              </text>
            ))}
          </g>
        </svg>
      </div>
    </div>
  );
}

interface PanelProps {
  field: 'calls' | 'minutes';
  title: string;
  height: number;
  top: number;
  width: number;
  barWidth: number;
  middleOf(index: number): number;
  bars: readonly Bar[];
  shown: Bar | undefined;
}

function Panel({ field, title, height, top, width, barWidth, middleOf, bars, shown }: PanelProps) {
  const most = Math.max(1, ...bars.map((bar) => bar[field]));
  const y = scaleLinear()
    .domain([0, most])
    .nice(GRID_LINES)
    .range([top + height, top]);
  const base = Math.round(y(0)) + 0.5;
  return (
    <g class={`panel-${field}`}>
      <text class="panel-title" x={0} y={top - 14}>
        {title}
      </text>
      {y.ticks(GRID_LINES).map((tick) => (
        <g key={tick} class={tick === 0 ? 'grid base' : 'grid'}>
          <line x1={LEFT} x2={width} y1={Math.round(y(tick)) + 0.5} y2={Math.round(y(tick)) + 0.5} />
          <text x={LEFT - 8} y={y(tick)} dy="0.32em" text-anchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {bars.map((bar, index) => {
        if (bar[field] === 0) return null;
        // What is little still shows.
        const size = Math.max(2, base - y(bar[field]));
        return (
          <rect
            key={bar.name}
            class="bar"
            data-note={bar.note}
            data-shown={bar === shown}
            x={middleOf(index) - barWidth / 2}
            y={base - size}
            width={barWidth}
            height={size}
            rx={Math.min(3, barWidth / 4)}
          />
        );
      })}
    </g>
  );
}

/** Bars that have their name under them: from the last one back, as many as there is room for. */
function ticksOf(bars: readonly Bar[], step: number): number[] {
  const room = bars.some((bar) => bar.tick.length > 6) ? TICK_WIDTH.month : TICK_WIDTH.day;
  const least = Math.ceil(room / step);
  const every = TICK_STEPS.find((steps) => steps >= least) ?? least;
  return [...bars.keys()].filter((index) => (bars.length - 1 - index) % every === 0);
}

function useWidth(frame: { current: HTMLElement | null }): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null) return;
    setWidth(element.clientWidth);
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    return () => observer.disconnect();
  }, [frame]);
  return width;
}
