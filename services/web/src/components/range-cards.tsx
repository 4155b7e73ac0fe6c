import type { DashboardData } from '@calltally/domain';
import { type Comparison, compare, type Words } from '../comparison.ts';
import { decimals, number } from '../numbers.ts';

type Field = 'total_calls' | 'total_duration_minutes' | 'total_duration_hours' | 'avg_duration_minutes';

interface Card {
  field: Field;
  title: string;
  unit: string;
  text(value: number): string;
  words: Words;
}

const CARDS: readonly Card[] = [
  {
    field: 'total_calls',
    title: 'Calls',
    unit: '',
    text: number,
    words: { more: 'more', less: 'fewer', none: 'no calls' },
  },
  {
    field: 'total_duration_minutes',
    title: 'Minutes',
    unit: 'min',
    text: decimals,
    words: { more: 'more', less: 'less', none: 'no minutes' },
  },
  {
    field: 'total_duration_hours',
    title: 'Hours',
    unit: 'h',
    text: decimals,
    words: { more: 'more', less: 'less', none: 'no hours' },
  },
  {
    field: 'avg_duration_minutes',
    title: 'Average call',
    unit: 'min',
    text: decimals,
    words: { more: 'longer', less: 'shorter', none: 'no calls' },
  },
];

interface Props {
  data: DashboardData | undefined;
  /** The figures of the period before; undefined where it is empty or not there yet. */
  previous: DashboardData | undefined;
  isCompared: boolean;
  /** What the period before is called. */
  before: string | undefined;
  old: boolean;
}

/** The four figures of the range, each with how it stands against the period before. */
export function RangeCards({ data, previous, isCompared, before, old }: Props) {
  return (
    <dl class="cards" data-old={old} aria-busy={data === undefined}>
      {CARDS.map(({ field, title, unit, text, words }) => (
        <div class="card" key={field} data-figure={field}>
          <dt>{title}</dt>
          <dd class="figure">
            {data === undefined ? <span class="bone" /> : text(data[field])}
            {unit !== '' && <span class="unit"> {unit}</span>}
          </dd>
          <dd class="comparison">
            {data === undefined || !isCompared || before === undefined ? (
              '\u00a0'
            ) : (
              <Compared {...compare(data[field], previous?.[field] ?? 0, before, words)} />
            )}
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Compared({ direction, share, words }: Comparison) {
  return (
    <span data-direction={direction}>
      {share !== undefined && <strong>{share}</strong>} {words}
    </span>
  );
}
