import type { Bar } from '../bars.ts';
import { decimals, number } from '../numbers.ts';

/** Longer tables scroll by themselves: 31 days do not, the hours of a week do. */
const LONG = 32;

/** The figures of the chart as text. */
export function SeriesTable({ name, unit, bars }: { name: string; unit: string; bars: readonly Bar[] }) {
  return (
    <section
      class="table"
      id="series-table"
      aria-label={`${name}, as a table`}
      data-long={bars.length >= LONG}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard.
      tabIndex={0}
    >
      <table>
        <caption class="unseen">{name}</caption>
        <thead>
          <tr>
            <th scope="col">{unit}</th>
            <th scope="col">Calls</th>
            <th scope="col">Minutes</th>
            <th scope="col">Average</th>
          </tr>
        </thead>
        <tbody>
          {bars.map((bar) => (
            <tr key={bar.name}>
              <th scope="row">
                {bar.name}
                {bar.note !== undefined && <span class="note"> {bar.note}</span>}
              </th>
              <td>{number(bar.calls)}</td>
              <td>{decimals(bar.minutes)}</td>
              <td>{decimals(bar.average)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
