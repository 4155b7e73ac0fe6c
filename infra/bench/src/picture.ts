import { CustomChart, type CustomSeriesOption, LineChart, type LineSeriesOption } from 'echarts/charts';
import {
  GridComponent,
  type GridComponentOption,
  LegendComponent,
  type LegendComponentOption,
  MarkLineComponent,
  TitleComponent,
  type TitleComponentOption,
} from 'echarts/components';
import { type ComposeOption, init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { median, shown, spread } from './statistics.ts';

interface Axis {
  /** What it shows, with its unit. */
  title: string;
  scale: 'linear' | 'log';
  /** Positions of its ticks, and their labels if these are not the number. By default ticks at round numbers. */
  ticks?: readonly { at: number; says?: string }[];
  min?: number;
  max?: number;
}

export interface Curve {
  name: string;
  /** All measurements at each position. The line goes through the medians; a bar spans minimum to maximum. */
  points: readonly { x: number; values: readonly number[] }[];
  /** A line without dots and bars, for frequent samples. */
  plain?: boolean;
}

interface Panel {
  x: Axis;
  y: Axis;
  curves: readonly Curve[];
  /** A vertical line, where something changes. */
  limit?: { x: number; says: string };
}

use([CustomChart, GridComponent, LegendComponent, LineChart, MarkLineComponent, SVGRenderer, TitleComponent]);

type Option = ComposeOption<
  CustomSeriesOption | GridComponentOption | LegendComponentOption | LineSeriesOption | TitleComponentOption
>;

const SIZE = { width: 720, height: 400 };
const MARGIN = { left: 82, right: 38, top: 88, bottom: 58 };
/** Distinguishable with colour blindness, too. */
const COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7'];
const INK = '#24292f';
const FAINT = '#d8dee4';

/** An SVG with its panels side by side. The same numbers always give the same SVG. */
export function picture(title: string, panels: readonly Panel[]): string {
  const chart = init(null, undefined, { renderer: 'svg', ssr: true, ...SIZE });
  const curves = panels.flatMap((panel, index) => panel.curves.map((curve) => ({ ...curve, index })));
  const option: Option = {
    animation: false,
    backgroundColor: '#ffffff',
    textStyle: { fontFamily: 'sans-serif', color: INK },
    title: { text: title, left: 16, top: 12, textStyle: { fontSize: 16, color: INK } },
    legend: { left: 16, top: 40, itemGap: 32, textStyle: { fontSize: 13, color: INK }, data: names(curves) },
    grid: panels.map((_, index) => place(index, panels.length)),
    xAxis: panels.map(({ x }, index) => ({ ...axis(x), gridIndex: index, nameGap: 32 })),
    yAxis: panels.map(({ y }, index) => ({ ...axis(y), gridIndex: index, nameGap: 54 })),
    series: curves.flatMap(({ index, ...curve }, at) => {
      const where = { xAxisIndex: index, yAxisIndex: index, color: COLORS[at % COLORS.length]! };
      const limit = panels[index]!.curves[0]!.name === curve.name ? panels[index]!.limit : undefined;
      return [line(curve, where, limit), ...(curve.plain ? [] : [bars(curve, where)])];
    }),
  };
  chart.setOption(option);
  const svg = chart.renderToSVGString();
  chart.dispose();
  return `${settled(svg).replace('>', `>\n<title>${title}</title>`)}\n`;
}

/**
 * Removes what only an interactive chart needs (pointer styles), and class names that count the pictures drawn before,
 * because they would change every picture in every run.
 */
function settled(svg: string): string {
  const still = svg.replace(/<style\s*>.*?<\/style>\n?/s, '').replaceAll(/ class="[^"]*"/g, '');
  const names = new Map<string, string>();
  return still.replaceAll(/\bzr\d+-[a-z]+\d+/g, (name) => {
    if (!names.has(name)) names.set(name, `clip-${names.size}`);
    return names.get(name)!;
  });
}

interface Where {
  xAxisIndex: number;
  yAxisIndex: number;
  color: string;
}

function names(curves: readonly Curve[]): string[] {
  return [...new Set(curves.map(({ name }) => name))];
}

function place(index: number, count: number): GridComponentOption {
  const width = SIZE.width / count;
  const { left, right, top, bottom } = MARGIN;
  return { left: index * width + left, width: width - left - right, top, bottom };
}

function axis({ title, scale, ticks, min, max }: Axis) {
  const values = ticks && { customValues: ticks.map(({ at }) => at) };
  const says = new Map(ticks?.map(({ at, says }) => [at, says]));
  return {
    type: scale === 'log' ? ('log' as const) : ('value' as const),
    name: title,
    nameLocation: 'middle' as const,
    nameTextStyle: { fontSize: 13, color: INK },
    axisLabel: {
      fontSize: 12,
      color: INK,
      hideOverlap: false,
      formatter: (value: number) => says.get(value) ?? shown(value),
      ...values,
    },
    axisTick: { show: true, ...values },
    axisLine: { show: true, onZero: false, lineStyle: { color: INK } },
    splitLine: { lineStyle: { color: FAINT } },
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
  };
}

function line({ name, points, plain }: Curve, where: Where, limit: Panel['limit']): LineSeriesOption {
  return {
    type: 'line',
    name,
    ...where,
    data: points.map(({ x, values }) => [x, median(values)]),
    symbol: plain ? 'none' : 'circle',
    symbolSize: 7,
    lineStyle: { width: 2 },
    ...(limit && {
      markLine: {
        silent: true,
        symbol: 'none',
        lineStyle: { color: INK, type: 'dashed', width: 1 },
        label: { formatter: limit.says, color: INK, fontSize: 12, position: 'end' as const },
        data: [{ xAxis: limit.x }],
      },
    }),
  };
}

/** A bar from the minimum to the maximum of the measurements at a position. */
function bars({ name, points }: Curve, where: Where): CustomSeriesOption {
  return {
    type: 'custom',
    name,
    ...where,
    silent: true,
    data: points.map(({ x, values }) => [x, spread(values).min, spread(values).max]),
    encode: { x: 0, y: [1, 2] },
    renderItem: (_, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const [, high] = api.coord([api.value(0), api.value(2)]);
      return {
        type: 'line',
        shape: { x1: x!, y1: low!, x2: x!, y2: high! },
        style: { stroke: where.color, lineWidth: 2, opacity: 0.5 },
      };
    },
  };
}
