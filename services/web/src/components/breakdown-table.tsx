import type { Ref } from 'preact';
import type { Groups } from '../breakdown.ts';
import { decimals, number } from '../numbers.ts';
import { ValueName } from './value-name.tsx';

interface Props extends Groups {
  title: string;
  section: Ref<HTMLElement>;
  onChoose(value: string): void;
}

/** All values with all their figures. */
export function BreakdownTable({ title, groups, others, section, onChoose }: Props) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard.
    <section class="table of-values" ref={section} aria-label={`${title}, as a table`} tabIndex={0}>
      <table>
        <caption class="unseen">Calls by {title.toLowerCase()}</caption>
        <thead>
          <tr>
            <th scope="col">{title}</th>
            <th scope="col">Calls</th>
            <th scope="col">Minutes</th>
            <th scope="col">Average</th>
          </tr>
        </thead>
        <tbody>
          {groups.map(({ value, name, calls, share, minutes, average, isChosen }) => (
            <tr key={value}>
              <th scope="row">
                <button type="button" class="pick" aria-pressed={isChosen} onClick={() => onChoose(value)}>
                  <ValueName value={value} name={name} isChosen={isChosen} />
                </button>
              </th>
              <td>
                {number(calls)} <span class="note">{share}</span>
              </td>
              <td>{decimals(minutes)}</td>
              <td>{decimals(average)}</td>
            </tr>
          ))}
          {others !== undefined && (
            <tr>
              <th scope="row" class="note">
                {others.name}
              </th>
              <td>
                {number(others.calls)} <span class="note">{others.share}</span>
              </td>
              <td>{decimals(others.minutes)}</td>
              <td>{decimals(others.average)}</td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}
