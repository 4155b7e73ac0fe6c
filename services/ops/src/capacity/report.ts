import { table } from '../table.ts';
import type { Ceiling } from './ceilings.ts';
import type { Inputs } from './inputs.ts';
import { PARTS, type Part } from './load.ts';
import type { Need, Plan } from './needs.ts';
import { keptMonths } from './redis-bytes.ts';
import type { Burst, Simulated } from './simulate.ts';

export interface Report {
  plan: Plan;
  ceilings: Ceiling[];
  burst: Burst;
  simulated: Simulated;
}

const NAMES: Record<Part, string> = {
  partition: 'Kafka partitions',
  broker: 'Kafka brokers',
  shard: 'Mongo shards',
  master: 'Redis masters',
  ingest: 'ingest processes',
  api: 'API processes',
  intake: 'intake processes',
};

const REMEDIES: Record<Part, string> = {
  partition: 'more partitions: kafka-topics.sh --alter --partitions',
  broker: 'another broker, or a shorter retention',
  shard: 'another shard: calls shards by {user_id: 1, _id: 1}',
  master: 'another master: redis-cli --cluster add-node, then rebalance',
  ingest: 'another ingest process',
  api: 'another API process',
  intake: 'another intake process',
};

const HOLDERS: Record<Simulated['heldUpBy'], string> = {
  nothing: 'nothing',
  partition: 'the order of one partition',
  ingest: 'one ingest process',
  master: 'one Redis master',
  shard: 'Mongo',
};

/** What would be short first, if there were one of each part. */
export function firstToBreak({ needs }: Plan): Need {
  return needs
    .filter(({ follows }) => !follows)
    .reduce((first, one) => (one.need / one.has > first.need / first.has ? one : first));
}

/** What stands in the way however many of each part there are; undefined if nothing does. */
export function firstCeiling(ceilings: readonly Ceiling[]): Ceiling | undefined {
  const [first] = ceilings;
  return first !== undefined && first.need > first.has ? first : undefined;
}

/** For people, line by line. */
export function linesOf(inputs: Inputs, { plan, ceilings, burst, simulated }: Report): string[] {
  const { load, counting, needs, counts } = plan;
  const first = firstToBreak(plan);
  const perUser = `${shown(load.redisBytesOfUser)} bytes of a user in Redis`;
  return [
    `${shown(load.peakEventsPerSecond)} events/s and ${shown(load.peakRequestsPerSecond)} dashboards/s in the busiest second, ${shown(load.eventsPerSecond)} events/s on average`,
    `${shown(load.rows)} rows in ${inputs.years} years, ${perUser} (${keptMonths(inputs).months} months)`,
    `batches of ${shown(counting.eventsOfBatch)} events of ${shown(counting.usersOfBatch)} users, ${shown(counting.batchesPerSecond)} a second`,
    '',
    ...table(
      ['PART', 'HOW MANY', 'FOR', 'NEEDED', 'OF ONE', 'UNIT'],
      needs.map(({ part, what, unit, need, has }) => [
        NAMES[part],
        String(counts[part]),
        what,
        shown(need),
        shown(has),
        unit,
      ]),
    ),
    '',
    `first to break, with one of each: ${NAMES[first.part]}, ${first.what} (${shown(first.need / first.has)} times what one has): ${REMEDIES[first.part]}`,
    ...(['shard', 'master'] as const)
      .filter((part) => counts[part] > 1)
      .map((part) => {
        const some = part === 'shard' ? counting.shardsOfBatch : counting.mastersOfBatch;
        return `a batch has users of ${shown(some)} of the ${shown(counts[part])} ${NAMES[part]}`;
      }),
    '',
    'What more parts do not help against:',
    ...table(
      ['OF WHAT THERE IS', 'NEEDED', 'THERE IS', 'UNIT', 'WHAT'],
      ceilings.map(({ what, unit, need, has }) => [percent(need / has), shown(need), shown(has), unit, what]),
    ),
    '',
    ...ceilings.filter(({ need, has }) => need > has / 2).map(({ what, remedy }) => `${what}: ${remedy}`),
    `simulated: ${shown(burst.factor)} times the busiest second for ${shown(burst.seconds)} s: ${simulatedText(simulated)}`,
  ];
}

function simulatedText({ maxLagSeconds, caughtUpSeconds, heldUpBy }: Simulated): string {
  if (maxLagSeconds === 0) return 'no event waits for the next second';
  const end =
    caughtUpSeconds === undefined
      ? 'not caught up an hour later'
      : `caught up after ${shown(caughtUpSeconds)} s`;
  return `events wait for up to ${shown(maxLagSeconds)} s, held up by ${HOLDERS[heldUpBy]}; ${end}`;
}

/** For programs. Names as in `Plan`, in snake case. */
export function jsonOf({ plan, ceilings, burst, simulated }: Report): object {
  const { load, counting, needs, counts } = plan;
  return {
    load: snake(load),
    counting: snake(counting),
    counts: Object.fromEntries(PARTS.map((part) => [part, counts[part]])),
    needs,
    first_to_break: firstToBreak(plan),
    ceilings,
    ceiling: firstCeiling(ceilings) ?? null,
    simulation: { burst: snake(burst), ...snake(simulated) },
  };
}

function snake(object: object): object {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value ?? null,
    ]),
  );
}

/** Of 1, with three digits. */
export function percent(share: number): string {
  return `${shown(share * 100)} %`;
}

/** Three digits, with spaces between thousands. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Math.abs(value) >= 1e12) return value.toExponential(2);
  if (Math.abs(value) >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return String(Number(value.toPrecision(3)));
}
