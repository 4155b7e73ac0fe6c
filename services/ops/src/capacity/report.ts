import { table } from '../table.ts';
import type { Ceiling } from './ceilings.ts';
import type { Costs, Inputs } from './inputs.ts';
import { PARTS, type Part } from './load.ts';
import type { Need, Plan } from './needs.ts';
import { keptMonths } from './redis-bytes.ts';
import type { Burst, NotPlayed, Simulated } from './simulate.ts';

export interface Report {
  inputs: Inputs;
  costs: Costs;
  plan: Plan;
  ceilings: Ceiling[];
  burst: Burst;
  /** Or why the burst was not played. */
  simulated: Simulated | NotPlayed;
}

const NAMES: Record<Part, { one: string; many: string }> = {
  partition: { one: 'Kafka partition', many: 'Kafka partitions' },
  broker: { one: 'Kafka broker', many: 'Kafka brokers' },
  shard: { one: 'Mongo shard', many: 'Mongo shards' },
  master: { one: 'Redis master', many: 'Redis masters' },
  ingest: { one: 'ingest process', many: 'ingest processes' },
  api: { one: 'API process', many: 'API processes' },
  intake: { one: 'intake process', many: 'intake processes' },
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
export function linesOf({ inputs, plan, ceilings, burst, simulated }: Report): string[] {
  const { load, counting, needs, counts } = plan;
  const perUser = `${shown(load.redisBytesOfUser)} bytes of a user in Redis`;
  return [
    `${shown(load.peakEventsPerSecond)} events/s and ${shown(load.peakRequestsPerSecond)} dashboards/s in the busiest second, ${shown(load.eventsPerSecond)} events/s on average`,
    `${shown(load.rows)} rows in ${inputs.years} years, ${perUser} (${keptMonths(inputs).months} months)`,
    `batches of ${shown(counting.eventsOfBatch)} events of ${shown(counting.usersOfBatch)} users, ${shown(counting.batchesPerSecond)} a second`,
    '',
    ...table(
      ['PART', 'HOW MANY', 'FOR', 'NEEDED', 'ONE HAS', 'UNIT'],
      needs.map(({ part, what, unit, need, has }) => [
        NAMES[part].many,
        counts[part],
        what,
        shown(need),
        shown(has),
        unit,
      ]),
      ['NEEDED', 'ONE HAS'],
    ),
    '',
    'These are what the load takes. Run at least two of each process.',
    firstText(firstToBreak(plan)),
    ...(['shard', 'master'] as const)
      .filter((part) => counts[part] > 1)
      .map((part) => {
        const some = part === 'shard' ? counting.shardsOfBatch : counting.mastersOfBatch;
        return `a batch has users of ${shown(some)} of the ${shown(counts[part])} ${NAMES[part].many}`;
      }),
    '',
    'What to watch beside the number of parts:',
    ...table(
      ['USED', 'NEEDED', 'LIMIT', 'UNIT', 'WHAT'],
      ceilings.map(({ what, unit, need, has }) => [percent(need / has), shown(need), shown(has), unit, what]),
      ['USED', 'NEEDED', 'LIMIT'],
    ),
    '',
    ...ceilings.filter(({ need, has }) => need > has / 2).map(({ what, remedy }) => `${what}: ${remedy}`),
    `simulated: ${shown(burst.factor)} times the busiest second for ${shown(burst.seconds)} s: ${simulatedText(simulated)}`,
  ];
}

/** What would break first with one of each part, or is the fullest of them. */
function firstText({ part, what, need, has }: Need): string {
  if (need < has) {
    return `one of each part is enough; the fullest is the ${NAMES[part].one}: ${what}, ${percent(need / has)}`;
  }
  return `first to break, with one of each: ${NAMES[part].many}, ${what} (${shown(need / has)} times what one has): ${REMEDIES[part]}`;
}

function simulatedText(simulated: Report['simulated']): string {
  if ('why' in simulated) return `left out, ${simulated.why}`;
  const { maxLagSeconds, caughtUpSeconds, heldUpBy } = simulated;
  if (maxLagSeconds === 0) return 'no event waits for the next second';
  const end =
    caughtUpSeconds === undefined
      ? 'not caught up an hour later'
      : `caught up ${shown(caughtUpSeconds)} s after the burst`;
  return `events wait for up to ${shown(maxLagSeconds)} s, held up by ${HOLDERS[heldUpBy]}; ${end}`;
}

/** For programs. Names as in `Plan`, in snake case. */
export function jsonOf({ inputs, costs, plan, ceilings, burst, simulated }: Report): object {
  const { load, counting, needs, counts } = plan;
  return {
    inputs: snake(inputs),
    costs,
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
