import { scaleLinear } from 'd3-scale';
import type { Bar } from '../bars.ts';
import { short } from '../numbers.ts';

const GRID_LINES = 3;
/** Small values stay visible. */
const BAR_HEIGHT_MIN = 2;

interface Props {
  /** The figure that the bars show. */
  field: 'calls' | 'minutes';
  title: string;
  height: number;
  top: number;
  left: number;
  width: number;
  barWidth: number;
  middleOf(index: number): number;
  bars: readonly Bar[];
  shown: Bar | undefined;
}

/** One row of bars with its own scale. Positions are in pixels; lines begin at `left`. */
export function ChartPanel({
  field,
  title,
  height,
  top,
  left,
  width,
  barWidth,
  middleOf,
  bars,
  shown,
}: Props) {
  const most = Math.max(1, ...bars.map((bar) => bar[field]));
  const y = scaleLinear()
    .domain([0, most])
    .nice(GRID_LINES)
    .range([top + height, top]);
  // There are no half calls.
  const ticks = y.ticks(GRID_LINES).filter((tick) => field !== 'calls' || Number.isInteger(tick));
  const base = Math.round(y(0)) + 0.5;
  return (
    <g class={`panel-${field}`}>
      <text class="panel-title" x={0} y={top - 14}>
        {title}
      </text>
      {ticks.map((tick) => (
        <g key={tick} class={tick === 0 ? 'grid base' : 'grid'}>
          <line x1={left} x2={width} y1={Math.round(y(tick)) + 0.5} y2={Math.round(y(tick)) + 0.5} />
          <text x={left - 8} y={y(tick)} dy="0.32em" text-anchor="end">
            {short(tick)}
          </text>
        </g>
      ))}
      {bars.map((bar, index) => {
        if (bar[field] === 0) return null;
        const size = Math.max(BAR_HEIGHT_MIN, base - y(bar[field]));
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
