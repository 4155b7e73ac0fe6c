import type { DashboardData } from '@calltally/domain';
import { number } from '../numbers.ts';
import { Figure } from './figure.tsx';

const COUNTS = [
  ['calls_today', 'Today'],
  ['calls_this_week', 'This week'],
  ['calls_this_month', 'This month'],
] as const;

/** Calls of the day, week and month that hold now, whatever the range. */
export function PeriodCounts({ data, old }: { data: DashboardData | undefined; old: boolean }) {
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
