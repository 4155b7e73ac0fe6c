import type { Dashboard } from '@calltally/client';
import { type Comparison, compare } from '../comparison.ts';
import { decimals, minutesAndSeconds, number } from '../numbers.ts';

const COUNTS = [
  ['calls_today', 'Today'],
  ['calls_this_week', 'This week'],
  ['calls_this_month', 'This month'],
] as const;

type Field = 'total_calls' | 'total_duration_minutes' | 'total_duration_hours' | 'avg_duration_minutes';

interface Card {
  field: Field;
  title: string;
  unit: string;
  text(value: number): string;
  /** The same in other units. */
  also?(data: Dashboard): string;
}

const CARDS: readonly Card[] = [
  {
    field: 'total_calls',
    title: 'Calls',
    unit: '',
    text: number,
  },
  {
    field: 'total_duration_minutes',
    title: 'Minutes',
    unit: '',
    text: decimals,
  },
  {
    field: 'total_duration_hours',
    title: 'Hours',
    unit: '',
    text: decimals,
  },
  {
    field: 'avg_duration_minutes',
    title: 'Average call',
    unit: 'min',
    text: decimals,
    also: ({ total_duration_minutes, total_calls }) =>
      minutesAndSeconds(total_calls === 0 ? 0 : total_duration_minutes / total_calls),
  },
];

/** The longest figure that fits a card in normal size: `4,517.69`. */
const SHORT_MAX = 8;

/** Calls of the current day, week and month, whatever the range. */
export function PeriodCounts({ data, old }: { data: Dashboard | undefined; old: boolean }) {
  return (
    <section aria-labelledby="counts-title">
      <h2 id="counts-title" class="unseen">
        Calls so far
      </h2>
      <dl class="counts" data-old={old} aria-busy={data === undefined && !old}>
        {COUNTS.map(([field, title]) => (
          <div key={field} data-figure={field}>
            <dt>{title}</dt>
            <dd>
              <Figure text={data && number(data[field])} old={old} />
              {data !== undefined && <span class="unit"> calls</span>}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

interface RangeCardsProps {
  data: Dashboard | undefined;
  /** Figures of the previous period; undefined if it is empty or not loaded yet. */
  previous: Dashboard | undefined;
  isCompared: boolean;
  /** Name of the previous period. */
  before: string | undefined;
  old: boolean;
}

/** The four figures of the range, each compared with the previous period. */
export function RangeCards({ data, previous, isCompared, before, old }: RangeCardsProps) {
  return (
    <dl class="cards" data-old={old} aria-busy={data === undefined && !old}>
      {CARDS.map(({ field, title, unit, text, also }) => (
        <div class="card" key={field} data-figure={field}>
          <dt>{title}</dt>
          <dd class="figure" data-long={data !== undefined && text(data[field]).length > SHORT_MAX}>
            <Figure text={data && text(data[field])} old={old} />
            {unit !== '' && data !== undefined && <span class="unit"> {unit}</span>}
          </dd>
          {also !== undefined && data !== undefined && <dd class="also">{also(data)}</dd>}
          <dd class="comparison">
            {data === undefined || !isCompared || before === undefined ? (
              '\u00a0'
            ) : (
              <Compared {...compare(data[field], previous?.[field] ?? 0, before)} />
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

interface FigureProps {
  /** Undefined while unknown. */
  text: string | undefined;
  /** Whether nothing is being loaded either. */
  old: boolean;
}

/** A figure. A changed one becomes a new element, so that its animation starts. */
function Figure({ text, old }: FigureProps) {
  if (text !== undefined) {
    return (
      <span class="fresh" key={text}>
        {text}
      </span>
    );
  }
  return old ? '–' : <span class="bone" />;
}
