import { encodeCallEvent } from '@calltally/contract';
import { toRow } from '@calltally/store';
import fc from 'fast-check';
import { test } from 'tap';
import { ceilingsOf } from '../../src/capacity/ceilings.ts';
import { batchesOf, busy, someOf } from '../../src/capacity/counting.ts';
import {
  costsOf,
  type Inputs,
  inputsOf,
  NUMBER_INPUTS,
  type NumberInput,
  optionOf,
} from '../../src/capacity/inputs.ts';
import { loadOf, PARTS } from '../../src/capacity/load.ts';
import { planOf } from '../../src/capacity/needs.ts';
import { keptMonths, redisBytesOfUser } from '../../src/capacity/redis-bytes.ts';
import { MEASURED_IDS } from '../../src/capacity/unit-costs.ts';

const RUNS = 300;
const costs = costsOf();

/** Any platform, also absurd ones. */
const inputs: fc.Arbitrary<Inputs> = fc
  .record({
    detail: fc.boolean(),
    ...Object.fromEntries(
      Object.entries(NUMBER_INPUTS).map(([name, { min, max, whole }]) => [
        name,
        // As often small as large.
        fc
          .double({ min: 0, max: 1, noNaN: true })
          .map((share) => Math.min(max, Math.max(min, 1e-4) * (max / Math.max(min, 1e-4)) ** share))
          .map((value) => (whole ? Math.max(min, Math.floor(value)) : value)),
      ]),
    ),
  })
  .map((given) => inputsOf(given as Partial<Inputs>));

/** Also costs of nothing, and many times those that were measured. */
const ownCosts = fc
  .dictionary(fc.constantFrom(...Object.keys(costs)), fc.constantFrom(0.001, 0, 1, 1e6))
  .map((given) =>
    costsOf(
      Object.entries(given).flatMap(([name, value]) =>
        value === 0 && isDivisor(name) ? [] : `${name}=${value}`,
      ),
    ),
  );

function isDivisor(name: string): boolean {
  return name === 'partition-event' || name.endsWith('-per-second');
}

/** Fails with the smallest example. */
function holds<T>(
  t: { pass(message: string): void },
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => boolean,
) {
  fc.assert(fc.property(arbitrary, check), { numRuns: RUNS });
  t.pass(`${RUNS} runs`);
}

test('whatever is asked, every number is one', (t) => {
  holds(t, fc.tuple(inputs, ownCosts), ([given, own]) => {
    const plan = planOf(given, own);
    const numbers = [
      ...Object.values(plan.load),
      ...Object.values(plan.counting),
      ...Object.values(plan.counts),
      ...plan.needs.flatMap(({ need, has }) => [need, has]),
      ...ceilingsOf(given, own, plan).flatMap(({ need, has }) => [need, has]),
    ];
    return numbers.every((one) => Number.isFinite(one) && one >= 0);
  });
  t.end();
});

test('a plan has enough of every part, for what that many parts need', (t) => {
  holds(t, inputs, (given) => {
    const { needs, counts } = planOf(given, costs);
    return needs.every(({ part, need, has }) => need <= counts[part] * has * (1 + 1e-9));
  });
  t.end();
});

test('a plan can be built: each copy has a broker, several masters are a cluster, partitions are not divided', (t) => {
  holds(t, inputs, (given) => {
    const { counts, counting } = planOf(given, costs);
    const cores = busy(counting.ingestUs);
    // The process with the most has as many as come up, if all are divided as evenly as can be.
    const most = Math.ceil(counts.partition / counts.ingest);
    return (
      counts.broker >= given.replicas &&
      counts.master !== 2 &&
      (most / counts.partition) * cores <= given.busyShare * (1 + 1e-9)
    );
  });
  const six = planOf(inputsOf({ users: 1e8, detail: false }), costs);
  const { partition, ingest } = six.counts;
  t.equal(partition % ingest, 0, `${partition} partitions in ${ingest} processes`);
  t.end();
});

test('memory and disks are planned no fuller than asked for', (t) => {
  const half = planOf(inputsOf({ fullShare: 0.5 }), costs).needs;
  const whole = planOf(inputsOf({ fullShare: 1 }), costs).needs;
  const changed = half.filter(({ has }, i) => has === whole[i]!.has / 2);
  t.strictSame(
    changed.map(({ part, what }) => `${part} ${what}`),
    ['master memory', 'shard disk', 'shard indexes in memory', 'broker disk'],
  );
  t.end();
});

test('bytes grow by each byte of an id as often as the row and the event have it', (t) => {
  const call = { callId: 'c'.repeat(20), userId: 'u'.repeat(20), startedAt: 0, durationMs: 0 };
  const source = { stream: 0, partition: 0, offset: 0 };
  const bytesOf = ({ callId, userId }: typeof call) => {
    const event = {
      call_id: callId,
      user_id: userId,
      started_at: '2026-01-01T00:00:00.000Z',
      duration_seconds: 1,
    };
    return {
      'mongo-row-bytes': JSON.stringify(toRow({ ...call, callId, userId }, source)).length,
      // A key is the id of the user.
      'kafka-event-bytes': userId.length + encodeCallEvent(event).length,
    };
  };
  const before = bytesOf(call);
  for (const [more, ids] of [
    [{ userId: `${call.userId}u` }, { ...MEASURED_IDS, idBytes: MEASURED_IDS.idBytes + 1 }],
    [{ callId: `${call.callId}c` }, { ...MEASURED_IDS, callIdBytes: MEASURED_IDS.callIdBytes + 1 }],
  ] as const) {
    const after = bytesOf({ ...call, ...more });
    for (const name of ['mongo-row-bytes', 'kafka-event-bytes'] as const) {
      t.equal(costsOf([], ids)[name] - costs[name], after[name] - before[name], name);
    }
  }
  t.equal(
    costsOf(['mongo-row-bytes=100'], { idBytes: 200, callIdBytes: 200 })['mongo-row-bytes'],
    100,
    'a cost of one’s own is taken as it is',
  );
  t.end();
});

test('the index of the shard key counts where there are several shards', (t) => {
  const bytesOfRow = (given: Partial<Inputs>) => {
    const { needs, load } = planOf(inputsOf(given), costs);
    return (needs.find(({ part, what }) => part === 'shard' && what === 'disk')!.need * 1e12) / load.rows;
  };
  const one = bytesOfRow({ users: 1_000 });
  t.ok(Math.abs(one - costs['mongo-row-bytes'] - costs['mongo-index-bytes']) < 1e-6);
  t.ok(Math.abs(bytesOfRow({ users: 1e7 }) - one - costs['mongo-shard-index-bytes']) < 1e-6);
  t.end();
});

test('a partition is no quicker than the core that counts it', (t) => {
  const quick = costsOf(['partition-event=1']);
  const { needs, counting } = planOf(inputsOf({ users: 1e7 }), quick);
  t.equal(needs.find(({ what }) => what === 'events in order')!.need, busy(counting.ingestUs));
  t.end();
});

test('batches that may take long are no alarm about progress', (t) => {
  const shareOf = (given: Partial<Inputs>) => {
    const all = inputsOf(given);
    const { need, has } = ceilingsOf(all, costs, planOf(all, costs)).find(({ what }) =>
      what.includes('progress'),
    )!;
    return need / has;
  };
  t.equal(shareOf({ freshSeconds: 2 }), shareOf({ freshSeconds: 0 }));
  t.ok(shareOf({ users: 1e9, callsPerDay: 1_000, shardCores: 1 }) > 1, 'a small primary, many partitions');
  t.end();
});

test('the largest user has no less than one of so many', (t) => {
  t.equal(loadOf(inputsOf({ users: 4, largestShare: 0 })).largestShare, 0.25);
  t.equal(loadOf(inputsOf({ users: 4, largestShare: 0.5 })).largestShare, 0.5);
  t.end();
});

test('twice the users are twice the bytes and twice the events', (t) => {
  holds(t, inputs, (given) => {
    const one = loadOf({ ...given, users: 1_000 });
    const two = loadOf({ ...given, users: 2_000 });
    const isTwice = (a: number, b: number) => Math.abs(b - 2 * a) <= 1e-9 * b;
    return (
      one.redisBytesOfUser === two.redisBytesOfUser &&
      isTwice(one.users, two.users) &&
      isTwice(one.rows, two.rows) &&
      isTwice(one.eventsPerSecond, two.eventsPerSecond) &&
      isTwice(one.peakRequestsPerSecond, two.peakRequestsPerSecond)
    );
  });
  t.end();
});

test('more users never need fewer parts, if batches take as long', (t) => {
  holds(t, inputs, (given) => {
    const users = Math.min(given.users, Math.floor(NUMBER_INPUTS.users.max / 10));
    // Else more users make batches longer and fewer, and those of few events cost so much that they may need more in total.
    const waiting = costs['partition-batch'] / 1e6 + (4 * given.roundTripMs) / 1e3;
    const alike = { ...given, freshSeconds: Math.max(given.freshSeconds, 2 * waiting) };
    const few = planOf({ ...alike, users }, costs).counts;
    const many = planOf({ ...alike, users: users * 10 }, costs).counts;
    return PARTS.every((part) => many[part] >= few[part]);
  });
  t.end();
});

test('a user with twice as many calls, months, or agents with calls takes no less of Redis', (t) => {
  holds(t, inputs, (given) => {
    const bytes = (more: Partial<Inputs>) => {
      const all = { ...given, ...more };
      return redisBytesOfUser(all, keptMonths(all));
    };
    return (
      bytes({ callsPerDay: given.callsPerDay * 2 }) >= bytes({}) &&
      bytes({ months: given.months * 2 }) >= bytes({}) &&
      // With as many calls of each: fewer of them may be written in fewer bytes.
      bytes({ agents: given.agents * 2, callsPerDay: given.callsPerDay * 2 }) >= bytes({}) &&
      bytes({ detail: true }) > bytes({ detail: false })
    );
  });
  t.end();
});

test('a batch is what came while the one before was with the stores', (t) => {
  const given = inputsOf({ users: 1e6, callsPerDay: 2_000, freshSeconds: 0 });
  const load = loadOf(given);
  const counts = { partition: 12, master: 4, shard: 2 };
  const { eventsOfBatch, batchesPerSecond } = batchesOf(given, costs, load, counts);
  const rate = load.peakEventsPerSecond / counts.partition;
  const tookS =
    (costs['partition-batch'] + eventsOfBatch * costs['partition-event']) / 1e6 +
    (4 * given.roundTripMs) / 1e3;
  t.ok(eventsOfBatch > 1, 'not single events');
  t.ok(Math.abs(rate * tookS - eventsOfBatch) < 1e-6 * eventsOfBatch);
  t.ok(
    Math.abs(batchesPerSecond * eventsOfBatch - load.peakEventsPerSecond) < 1e-6 * load.peakEventsPerSecond,
  );
  t.end();
});

test('batches that may take longer are fewer and cost less, and take no longer than that', (t) => {
  const counts = { partition: 12, master: 4, shard: 2 };
  const [quick, slow] = [0, 0.5].map((freshSeconds) => {
    const given = inputsOf({ users: 1e6, callsPerDay: 20, freshSeconds });
    return batchesOf(given, costs, loadOf(given), counts);
  });
  t.ok(slow!.batchesPerSecond < quick!.batchesPerSecond / 10);
  t.ok(slow!.ingestUs < quick!.ingestUs / 2);
  t.equal(quick!.batchSeconds < 0.1, true);
  t.ok(Math.abs(slow!.batchSeconds - 0.5) < 1e-9);
  t.end();
});

test('of draws with return, the expected number of different ones', (t) => {
  t.equal(someOf(1, 5), 1);
  t.ok(Math.abs(someOf(2, 2) - 1.5) < 1e-12);
  t.ok(Math.abs(someOf(365, 23) - 365 * (1 - (364 / 365) ** 23)) < 1e-9);
  t.ok(Math.abs(someOf(1e15, 6_000) - 6_000) < 0.001, 'exact for large numbers');
  t.end();
});

test('an input that cannot be is refused, with its option, the value and what to write', (t) => {
  for (const [name, { min, max, whole }] of Object.entries<NumberInput>(NUMBER_INPUTS)) {
    const number = whole ? 'whole number' : 'number';
    const parts = whole ? [min + 0.5] : [];
    for (const value of [min - 1, max * 2 + 1, Number.NaN, Number.POSITIVE_INFINITY, ...parts]) {
      t.throws(() => inputsOf({ [name]: value }), {
        code: 'CAPACITY_INPUT',
        message: `${optionOf(name)} is ${value}: write a ${number} from ${min} to ${max}`,
      });
    }
  }
  t.throws(() => inputsOf({ users: 0, months: 1 }), { message: /--users .*; --months / }, 'all at once');
  t.end();
});

test('a cost is replaced by name, and another name or value is refused', (t) => {
  t.equal(costsOf(['mongo-row-bytes=180'])['mongo-row-bytes'], 180);
  for (const text of [
    'mongo=1',
    'mongo-row-bytes',
    'mongo-row-bytes=',
    'mongo-row-bytes= ',
    'toString=1',
    'mongo-row-bytes=much',
    'redis-user=-1',
  ]) {
    t.throws(() => costsOf([text]), {
      code: 'CAPACITY_INPUT',
      message: new RegExp(`--cost ${text}.*write`, 'i'),
    });
  }
  t.end();
});
