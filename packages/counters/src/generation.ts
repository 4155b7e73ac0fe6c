import { randomUUID } from 'node:crypto';
import { CountersError } from './errors.ts';
import { asOfField, checkpointField } from './keys.ts';
import type { Master } from './masters.ts';
import type { CounterSession } from './session.ts';

/** What a master says of itself: whose counters it holds and how far they go. */
export interface Generation {
  id: string;
  /** Months that buckets are kept, for as long as this generation lasts. */
  retentionMonths: number;
  /** For each `stream:partition` the offset counted through. */
  checkpoints: Map<string, number>;
  /** For each `stream:partition` the time (epoch ms) by which everything acknowledged is counted. */
  asOf: Map<string, number>;
}

export type Generations = Map<Master, Generation>;

/**
 * Reads every master's generation and begins one where there is none, in one script a master.
 * @param begin.through checkpoint of every partition in a new generation: the committed offset less one
 * @param begin.replacing generations that must not go on, since the topic no longer holds what their checkpoints ask for
 * @throws CountersError
 */
export async function ensureGenerations(
  session: CounterSession,
  begin: { retentionMonths: number; through: ReadonlyMap<string, number>; replacing?: ReadonlySet<string> },
): Promise<Generations> {
  const checkpoints = [...begin.through].flatMap(([partition, offset]) => [
    checkpointField(partition),
    offset,
  ]);
  const generations: Generations = new Map();
  for (const master of session.masters) {
    const replaced = begin.replacing?.size ? (await readGeneration(session, master))?.id : undefined;
    const reply = await session.run(
      master,
      'begin',
      [master.ledgerKey],
      [
        randomUUID(),
        begin.retentionMonths,
        replaced !== undefined && begin.replacing?.has(replaced) ? replaced : '',
        ...checkpoints,
      ],
    );
    generations.set(master, parseGeneration(pairs(reply as string[]))!);
  }
  return generations;
}

/** Every master's generation as it stands; a master without one is left out. @throws CountersError */
export async function readGenerations(session: CounterSession): Promise<Generations> {
  const generations: Generations = new Map();
  await Promise.all(
    session.masters.map(async (master) => {
      const generation = await readGeneration(session, master);
      if (generation !== undefined) generations.set(master, generation);
    }),
  );
  return generations;
}

/**
 * Notes on every master that a partition is counted through an offset, and as of when.
 * @throws CountersError COUNTERS_GENERATION when a master has begun another generation (it was emptied meanwhile)
 */
export async function raiseCheckpoint(
  session: CounterSession,
  generations: Generations,
  checkpoint: { partition: string; through: number; asOfMs?: number | undefined },
): Promise<void> {
  const replies = await Promise.all(
    [...generations].map(([master, { id }]) =>
      session.run(
        master,
        'checkpoint',
        [master.ledgerKey],
        [
          id,
          checkpointField(checkpoint.partition),
          checkpoint.through,
          asOfField(checkpoint.partition),
          checkpoint.asOfMs ?? '',
        ],
      ),
    ),
  );
  if (replies.some((reply) => reply !== 1)) {
    throw new CountersError('COUNTERS_GENERATION', 'Redis was emptied, or began another generation');
  }
}

async function readGeneration(session: CounterSession, master: Master): Promise<Generation | undefined> {
  const fields = await session.guard(() => master.redis.hgetall(master.ledgerKey));
  return parseGeneration(Object.entries(fields));
}

/** The generation of the master that holds a user. @throws CountersError COUNTERS_GENERATION where it has none */
export function generationOf(session: CounterSession, generations: Generations, userId: string): Generation {
  const generation = generations.get(session.master(userId));
  if (generation === undefined) throw new CountersError('COUNTERS_GENERATION', 'a master has no generation');
  return generation;
}

function pairs(flat: string[]): [string, string][] {
  const list: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) list.push([flat[i]!, flat[i + 1]!]);
  return list;
}

function parseGeneration(fields: [string, string][]): Generation | undefined {
  const generation: Generation = { id: '', retentionMonths: 0, checkpoints: new Map(), asOf: new Map() };
  for (const [field, value] of fields) {
    if (field === 'id') generation.id = value;
    else if (field === 'retention_months') generation.retentionMonths = Number(value);
    else if (field.startsWith('mark:')) generation.checkpoints.set(field.slice(5), Number(value));
    else if (field.startsWith('asof:')) generation.asOf.set(field.slice(5), Number(value));
  }
  return generation.id === '' ? undefined : generation;
}
