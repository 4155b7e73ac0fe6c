import type { Client, Durations } from '@calltally/client';
import type { CellFilter } from '@calltally/domain';
import { useState } from 'preact/hooks';
import { type Choice, queryOf } from '../choice.ts';
import { exactDuration, shortDuration, spanName } from '../durations.ts';
import { queryOfFilter } from '../filters.ts';
import { number, shareOf } from '../numbers.ts';
import { useRefreshed } from '../use-refreshed.ts';
import { queryOfZone } from '../zones.ts';
import { Fault } from './fault.tsx';
import { Histogram } from './histogram.tsx';
import { TableToggle } from './table-toggle.tsx';

interface Props {
  client: Client;
  choice: Choice;
  filter: CellFilter;
  timeZone: string;
  /** The server's day in the time zone; undefined while nothing is to be loaded. */
  today: number | undefined;
  version: number;
  old: boolean;
}

/** They are read from rows, which takes longer than reading counters. */
const GAP_MS = 15_000;
const PERCENTILES = [
  ['p50', 'Half within'],
  ['p90', '90 % within'],
  ['p95', '95 % within'],
  ['p99', '99 % within'],
] as const;

/** How long the range's calls took. */
export function DurationsPanel({ client, choice, filter, timeZone, today, version, old }: Props) {
  const [isTable, setIsTable] = useState(false);
  const asked =
    today === undefined
      ? undefined
      : { ...queryOf(choice, today), ...queryOfFilter(filter), ...queryOfZone(timeZone) };
  const { value, fault, retry } = useRefreshed(asked && JSON.stringify(asked), version, GAP_MS, (signal) =>
    client.durations(asked, { signal }),
  );
  const isTooMany = fault?.error.code === 'TOO_MANY_CALLS';
  const data = value?.data;
  const unknown = data === undefined && !old ? <span class="bone" /> : '–';
  return (
    <section
      class="panel durations"
      aria-labelledby="durations-title"
      data-old={old || fault !== undefined}
      aria-busy={data === undefined && fault === undefined && !old}
    >
      <div class="part-head">
        <h2 id="durations-title">How long calls take</h2>
        {data !== undefined && (
          <TableToggle name="Durations" isTable={isTable} onToggle={() => setIsTable(!isTable)} />
        )}
      </div>
      {fault !== undefined && isTooMany && <p class="unit">{fault.error.message}</p>}
      {fault !== undefined && !isTooMany && !old && (
        <Fault what="durations" isThere={data !== undefined} error={fault.error} onRetry={retry} />
      )}
      {(data !== undefined || fault === undefined) && (
        <dl class="percentiles">
          {PERCENTILES.map(([field, title]) => {
            const seconds = data?.percentiles[field];
            return (
              <div key={field}>
                <dt>{title}</dt>
                <dd>
                  {seconds == null ? unknown : shortDuration(seconds)}
                  {seconds != null && seconds >= 60 && <span class="unit">{exactDuration(seconds)}</span>}
                </dd>
              </div>
            );
          })}
        </dl>
      )}
      {data === undefined && fault === undefined && <div class="histogram-bone" />}
      {data !== undefined && (isTable ? <DurationsTable data={data} /> : <Histogram bins={data.histogram} />)}
    </section>
  );
}

/** The histogram's figures as text. */
function DurationsTable({ data }: { data: Durations }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrollable area must be reachable by keyboard.
    <section class="table" aria-label="Durations, as a table" tabIndex={0}>
      <table>
        <caption class="unseen">Calls by duration</caption>
        <thead>
          <tr>
            <th scope="col">Duration</th>
            <th scope="col">Calls</th>
            <th scope="col">Share</th>
          </tr>
        </thead>
        <tbody>
          {data.histogram.map(({ from_seconds, to_seconds, calls }) => (
            <tr key={from_seconds}>
              <th scope="row">{spanName(from_seconds, to_seconds)}</th>
              <td>{number(calls)}</td>
              <td>{shareOf(calls, data.calls)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
