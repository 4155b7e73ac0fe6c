import { test } from 'tap';
import { createIngestMetrics } from '../src/metrics.ts';
import { PartitionQueues } from '../src/partition-queues.ts';
import { Positions } from '../src/positions.ts';
import { WorkUnderWay } from '../src/work-under-way.ts';

const member = { starting: undefined, assigned: [0, 1], answers: 7 };

test('only the start is under way before it joins the group', async (t) => {
  const { underWay } = workOf({});
  const starting = { what: 'topics', attempts: 3 };
  t.strictSame(
    [...(await underWay.now({ starting, assigned: undefined, answers: 0 }))],
    [['start: topics', '3']],
  );
});

test('a partition that is not fetched is under way until it moves, fails, or waits for something else', async (t) => {
  const { underWay, held, failures, positions } = workOf({});
  const fetchOf = async () => (await underWay.now(member)).get('fetch of partition 1');
  t.equal(await fetchOf(), undefined);
  held.set(1, { code: 'KAFKA_TRANSACTION_OPEN', sinceMs: 0 });
  t.equal(await fetchOf(), undefined, 'a transaction is waited for');
  held.set(1, { code: 'KAFKA_NOT_FETCHED', sinceMs: 0 });
  const states = [await fetchOf(), await fetchOf()];
  t.ok(states[0]);
  t.equal(states[1], states[0], 'it stands still');
  failures.set(1, 5);
  states.push(await fetchOf());
  positions.moved(1, 11);
  states.push(await fetchOf());
  t.equal(new Set(states).size, 3, 'a failure and an event are progress');
});

test('commits are under way by their number, and looks at as-of once there was one', async (t) => {
  const now = async (looks: number, commit: number | undefined) => {
    const { underWay } = workOf({ looks, commit });
    return Object.fromEntries(await underWay.now(member));
  };
  t.strictSame(await now(0, undefined), { 'membership of the group': '7' });
  t.strictSame(await now(4, 2), { 'membership of the group': '7', 'as-of': '4', 'offset commit': '2' });
});

/** Everything is counted, and nothing is held. */
function workOf({ looks = 0, commit }: { looks?: number; commit?: number | undefined }) {
  const held = new Map<number, { code: string; sinceMs: number }>();
  const failures = new Map<number, number>();
  const positions = new Positions(
    new Map([
      [0, 10],
      [1, 10],
    ]),
    new Map(),
    0,
  );
  const epoch = { positions, queues: new PartitionQueues() };
  const underWay = new WorkUnderWay({
    epochs: { current: epoch as never },
    held: { current: held, lastFailureMs: (partition) => failures.get(partition) },
    committer: { underWay: commit },
    asOf: { looks },
    metrics: createIngestMetrics(),
  });
  return { underWay, held, failures, positions };
}
