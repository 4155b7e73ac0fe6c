import type { DashboardData } from '@calltally/domain';
import { type Comparison, compare, type Words } from '../comparison.ts';
import { decimals, number } from '../numbers.ts';
import { Figure } from './figure.tsx';

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
    words: { more: 'more', less: 'fewer' },
  },
  {
    field: 'total_duration_minutes',
    title: 'Minutes',
    unit: '',
    text: decimals,
    words: { more: 'more', less: 'less' },
  },
  {
    field: 'total_duration_hours',
    title: 'Hours',
    unit: '',
    text: decimals,
    words: { more: 'more', less: 'less' },
  },
  {
    field: 'avg_duration_minutes',
    title: 'Average call',
    unit: 'min',
    text: decimals,
    words: { more: 'longer', less: 'shorter' },
  },
];

/** What fits a card at its usual size: `4,517.69`. */
const SHORT_MAX = 8;

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
    <dl class="cards" data-old={old} aria-busy={data === undefined && !old}>
      {CARDS.map(({ field, title, unit, text, words }) => (
        <div class="card" key={field} data-figure={field}>
          <dt>{title}</dt>
          <dd class="figure" data-long={data !== undefined && text(data[field]).length > SHORT_MAX}>
            <Figure text={data && text(data[field])} old={old} />
            {unit !== '' && data !== undefined && <span class="unit"> {unit}</span>}
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

function Compared({ direction, head, rest }: Comparison) {
  return (
    <>
      <strong data-direction={direction}>{head}</strong> <span>{rest}</span>
    </>
  );
}
