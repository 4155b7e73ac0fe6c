import type { CallEvent } from '@calltally/contract';
import { test } from 'tap';
import { Oracle } from '../src/oracle.ts';
import { Chance } from '../src/random.ts';
import { Traffic } from '../src/traffic.ts';

const DAY = { from: Date.UTC(2026, 2, 1), until: Date.UTC(2026, 2, 2) };
const NOW_MS = Date.UTC(2026, 2, 1, 12);

const event = (revision: number, minutes: number, started_at = '2026-03-01T10:00:00Z'): CallEvent => ({
  call_id: 'c',
  user_id: 'u',
  started_at,
  duration_seconds: minutes * 60,
  revision,
});
const deletion = (revision: number): CallEvent => ({ call_id: 'c', user_id: 'u', revision, deleted: true });

function boundsOf(oracle: Oracle, byMs: number) {
  const { least, most } = oracle.bounds('u', DAY, NOW_MS, byMs);
  return [
    [least.total_calls, least.total_duration_minutes, least.calls_today],
    [most.total_calls, most.total_duration_minutes, most.calls_today],
  ];
}

test('an answer may count what was acknowledged by its as-of, or anything higher that was sent', async (t) => {
  const oracle = new Oracle();
  const none = [0, 0, 0];
  t.strictSame(boundsOf(oracle, 0), [none, none]);
  oracle.add(event(0, 5));
  t.strictSame(boundsOf(oracle, 100), [none, [1, 5, 1]], 'sent');
  oracle.acknowledge(event(0, 5), 100);
  t.strictSame(boundsOf(oracle, 99), [none, [1, 5, 1]], 'acknowledged later than as-of');
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 5, 1],
      [1, 5, 1],
    ],
    'acknowledged',
  );
  oracle.add(event(2, 3));
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 3, 1],
      [1, 5, 1],
    ],
    'a correction was sent',
  );
  oracle.acknowledge(event(2, 3), 200);
  t.strictSame(
    boundsOf(oracle, 200),
    [
      [1, 3, 1],
      [1, 3, 1],
    ],
    'and acknowledged',
  );
  oracle.add(event(1, 50));
  t.strictSame(
    boundsOf(oracle, 200),
    [
      [1, 3, 1],
      [1, 3, 1],
    ],
    'a lower revision changes nothing any more',
  );
  t.strictSame(
    boundsOf(oracle, 100),
    [
      [1, 3, 1],
      [1, 50, 1],
    ],
    'but may have been first',
  );
  oracle.add(event(3, 7, '2026-03-02T00:00:00Z'));
  t.strictSame(boundsOf(oracle, 200), [none, [1, 3, 1]], 'it may have moved to another day');
  oracle.add(deletion(4));
  oracle.acknowledge(deletion(4), 300);
  t.strictSame(boundsOf(oracle, 300), [none, none], 'deleted');
  oracle.add(event(5, 9));
  t.strictSame(boundsOf(oracle, 300), [none, [1, 9, 1]], 'perhaps back');
  t.strictSame([oracle.size, oracle.counted, oracle.callsOf('u')], [1, 1, 1]);
  t.match(oracle.figures('u', DAY, NOW_MS), { total_calls: 1, total_duration_minutes: 9, calls_today: 1 });
});

test('ids are unique only within a user; of equal revisions the first one counts', async (t) => {
  const oracle = new Oracle();
  oracle.add(event(1, 5));
  oracle.add(event(1, 6));
  oracle.add({ ...event(0, 7), user_id: 'v' });
  t.equal(oracle.figures('u', DAY, NOW_MS).total_duration_minutes, 5);
  t.equal(oracle.figures('v', DAY, NOW_MS).total_duration_minutes, 7);
  t.equal(oracle.size, 2);
});

test('traffic has later events of every kind, and no two of a call with the same revision', async (t) => {
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const traffic = new Traffic(chance, 'calls', 4);
  const highest = new Map<string, CallEvent>();
  const found = { corrected: 0, deleted: 0, back: 0, deletedFirst: 0, late: 0, namesakes: 0 };
  const [ids, places] = [new Set<string>(), new Set<string>()];
  const events = traffic.events(8_000, NOW_MS);
  for (const event of events) {
    const id = JSON.stringify([event.user_id, event.call_id]);
    const revision = event.revision ?? 0;
    if (places.has(`${id}${revision}`)) t.fail(`two events of revision ${revision} of ${id}`);
    places.add(`${id}${revision}`);
    const before = highest.get(id);
    if (before === undefined) {
      if (event.deleted) found.deletedFirst++;
      if (ids.has(event.call_id)) found.namesakes++;
      ids.add(event.call_id);
    } else if (revision < before.revision!) {
      if (revision > 0) found.late++;
      continue;
    } else if (event.deleted) found.deleted++;
    else if (before.deleted) found.back++;
    else found.corrected++;
    highest.set(id, { ...event, revision });
  }
  for (const [kind, count] of Object.entries(found)) t.ok(count > 10, `${kind}: ${count}`);
  const later = events.length - highest.size;
  t.ok(later > events.length / 12 && later < events.length / 6, `${later} of ${events.length} events`);
});
