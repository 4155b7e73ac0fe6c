import type { Client, Dashboard } from '@calltally/client';
import { type CellFilter, isFiltered } from '@calltally/domain';
import { useRefreshed } from '../use-refreshed.ts';

/** Calls before 2000 are rejected. */
const EVER = { start_date: '2000-01-01' };
const GAP_MS = 5_000;

interface Props {
  client: Client;
  data: Dashboard;
  version: number;
  filter: CellFilter;
  onFilter(filter: CellFilter): void;
}

/** Shown for a range without calls. Tells users who have no calls at all how calls come in. */
export function Empty({ client, data, version, filter, onFilter }: Props) {
  const ever = useRefreshed('ever', version, GAP_MS, (signal) => client.dashboard(EVER, { signal }));
  if (ever.value === undefined && ever.fault === undefined && data.calls_this_month === 0) {
    return <div class="empty" aria-busy="true" />;
  }
  if (ever.value?.data.total_calls === 0) {
    return (
      <div class="empty">
        <h3>No calls yet</h3>
        <p>
          Every completed call is an event on the Kafka topic <code>calls.completed</code>. As soon as one
          arrives for this user, it is counted and appears here by itself.
        </p>
        <p>
          To send one by hand: <code>npx calltally publish events.ndjson</code>
        </p>
        <p>
          The <a href="/docs">documentation</a> tells how to request figures.
        </p>
      </div>
    );
  }
  if (isFiltered(filter)) {
    return (
      <div class="empty">
        <h3>No such calls in this range</h3>
        <p>Choose another range above, or let all calls in.</p>
        <button type="button" onClick={() => onFilter({})}>
          Remove filters
        </button>
      </div>
    );
  }
  return (
    <div class="empty">
      <h3>No calls in this range</h3>
      <p>Choose another range above. Calls that come in appear by themselves.</p>
    </div>
  );
}

/** Shown in place of the chart while figures cannot be read and none are cached. */
export function NoFigures() {
  return (
    <div class="empty">
      <h3>No figures of this range</h3>
      <p>They appear as soon as they can be read. You need not reload this page.</p>
    </div>
  );
}
