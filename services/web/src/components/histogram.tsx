import type { Durations } from '@calltally/client';
import { scaleLinear } from 'd3-scale';
import { useRef } from 'preact/hooks';
import { edge, spanName } from '../durations.ts';
import { useSize } from '../hooks.ts';
import { calls, short } from '../numbers.ts';

const HEAD = 20;
const FOOT = 22;
/** Small values stay visible. */
const BAR_HEIGHT_MIN = 2;
const GAP = 2;

/** How many calls took how long. Its spans are not of the same length, so each is as wide as the others. */
export function Histogram({ bins }: { bins: Durations['histogram'] }) {
  const frame = useRef<HTMLDivElement>(null);
  const { width, height } = useSize(frame);
  const base = height - FOOT;
  const most = bins.reduce((a, b) => (b.calls > a.calls ? b : a));
  const y = scaleLinear()
    .domain([0, Math.max(1, most.calls)])
    .range([0, Math.max(0, base - HEAD)]);
  const step = width / bins.length;
  return (
    <div ref={frame} class="histogram">
      <svg
        width={width}
        height={height}
        role="img"
        aria-label={`Most calls took ${spanName(most.from_seconds, most.to_seconds)}: ${calls(most.calls)}`}
      >
        {bins.map(({ from_seconds: from, calls: count }, index) => {
          const size = count === 0 ? 0 : Math.max(BAR_HEIGHT_MIN, y(count));
          const x = index * step;
          return (
            <g key={from}>
              <rect
                class="bar"
                x={x + GAP / 2}
                y={base - size}
                width={Math.max(0, step - GAP)}
                height={size}
                rx={2}
              />
              <text class="over" x={x + step / 2} y={base - size - 6} text-anchor="middle">
                {short(count)}
              </text>
              {index > 0 && (
                <text x={x} y={base + 17} text-anchor="middle">
                  {edge(from)}
                </text>
              )}
            </g>
          );
        })}
        <line x1={0} x2={width} y1={base + 0.5} y2={base + 0.5} />
      </svg>
    </div>
  );
}
