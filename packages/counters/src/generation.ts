import { randomUUID } from 'node:crypto';
import { CountersError } from './errors.ts';
import { checkpointField, ERASED_FIELD, pairsOf, userKey } from './keys.ts';
import type { CounterSession, Master } from './session.ts';
import { holds, parseSlots, rangesOf, type Slots, slotOf, slotsText, splitSlots } from './slots.ts';

/** What a master holds: whose counters, and how far they count. */
export interface Generation {
  id: string;
  /** Whose it is: `MasterNode.nodes` when an epoch last began. Empty for a single node. */
  nodes: string[];
  /** The slots whose users are of this generation. Undefined for a single node. */
  slots: Slots | undefined;
  /**
   * Slots that left the master during this generation. Their users are not of it, even if a slot comes back: they may have
   * been counted elsewhere, or left out, meanwhile.
   */
  left: Slots;
  /** Changes with the slots; empty for a single node. */
  tenure: string;
  /** Months that buckets are kept. Stays the same for the whole generation. */
  retentionMonths: number;
  /** Cells that are kept for a user and month; 0: none are kept. Stays the same, too. */
  cellsMax: number;
  /** By partition id, the offset counted through. */
  checkpoints: Map<string, number>;
  /** By partition id, the time (epoch ms) by which everything acknowledged is counted. */
  asOf: Map<string, number>;
  /** The lowest of these times when it was last noted (`advanceAsOf`); undefined while a partition had none. */
  asOfMs: number | undefined;
  /** The master has nothing any more of users erased by this version of the list of erasures; 0 if it has noted none. */
  erased: number;
}

/** Cells that are kept for a user and month, unless `COUNTERS_CELLS_MAX` says otherwise. */
export const CELLS_MAX = 1_000;

export type Generations = Map<Master, Generation>;

/**
 * Reads every master's generation, and begins one where there is none. One script per master.
 * @param begin.through the checkpoints of a new generation, by partition id
 * @param begin.replacing ids of generations that end here
 * @param begin.adoptsSlots keeps to the slots as they were last noted. Without it, each master must have noted its own
 * @throws CountersError COUNTERS_GENERATION if a master's slots are noted otherwise
 */
export async function ensureGenerations(
  session: CounterSession,
  begin: {
    retentionMonths: number;
    /** Default: `CELLS_MAX`. */
    cellsMax?: number | undefined;
    through: ReadonlyMap<string, number>;
    replacing?: ReadonlySet<string>;
    adoptsSlots?: boolean;
  },
): Promise<Generations> {
  const { retentionMonths, cellsMax = CELLS_MAX, through, replacing, adoptsSlots } = begin;
  const checkpoints = [...through].flatMap(([partition, offset]) => [checkpointField(partition), offset]);
  const generations: Generations = new Map();
  const found = replacing?.size || adoptsSlots ? await readGenerations(session) : undefined;
  for (const master of session.masters) {
    const present = found?.get(master);
    const replaced = present !== undefined && replacing?.has(present.id) ? present.id : '';
    const slots = slotsText(adoptsSlots ? slotsNoted(master, found!) : slotsNow(master));
    const whose = [master.nodes.join(' '), slots, randomUUID()];
    const args = [randomUUID(), retentionMonths, cellsMax, replaced, ...whose, ...checkpoints];
    const reply = await session.run(master, 'ensure-generation', [master.generationKey], args);
    const generation = parseGeneration(pairsOf(reply as string[]))!;
    if (!adoptsSlots && generation.slots !== undefined && slotsText(generation.slots) !== slots) {
      throw new CountersError('COUNTERS_GENERATION', 'another process has noted other slots');
    }
    leaveOut(session, master, generation);
    generations.set(master, generation);
  }
  return generations;
}

/**
 * Every master's generation. Leaves out a master without one, and one that was lost while there are others.
 * @param isWhole whether to read what a master says of each partition, too: there may be very many. Default: yes
 * @throws CountersError
 */
export async function readGenerations(
  session: CounterSession,
  isWhole: (master: Master) => boolean = () => true,
): Promise<Generations> {
  const generations: Generations = new Map();
  const usable = session.masters.filter(({ lost }) => lost === undefined);
  await Promise.all(
    (usable.length > 0 ? usable : session.masters).map(async (master) => {
      const generation = await readGeneration(session, master, isWhole(master));
      if (generation !== undefined) generations.set(master, generation);
    }),
  );
  return generations;
}

/** The slots of a generation that begins: those of the one before, or those that no other master has noted. */
function slotsNoted(master: Master, found: Generations): Slots {
  const before = found.get(master);
  if (before?.slots !== undefined) return splitSlots(before.slots, before.left).beyond;
  const noted = [...found.values()].flatMap(({ slots }) => slots ?? []);
  return splitSlots(slotsNow(master), noted).beyond;
}

/** Leaves out the users of slots that are not noted as they are, until an epoch has noted them. */
function leaveOut(session: CounterSession, master: Master, { slots, left }: Generation): void {
  if (slots === undefined) return;
  const now = slotsNow(master);
  if (slotsText(slots) === slotsText(now) && splitSlots(now, left).among.length === 0) return;
  for (const [first, last] of splitSlots(slots, now).beyond) {
    for (let slot = first; slot <= last; slot++) master.gone.add(slot);
  }
  session.isBehind = true;
}

/** A master's slots, as far as the session knows. */
export function slotsNow({ slots, gone }: Master): Slots {
  return gone.size === 0 ? slots : splitSlots(slots, rangesOf(gone)).beyond;
}

/** Fields that are not of a partition. */
const HEAD = ['id', 'nodes', 'slots', 'left', 'tenure', 'retention_months', 'cells_max', 'asof'] as const;

async function readGeneration(
  session: CounterSession,
  master: Master,
  isWhole = true,
): Promise<Generation | undefined> {
  const fields = await session.endOnError(master, async (): Promise<[string, string][]> => {
    if (isWhole) return Object.entries(await master.redis.hgetall(master.generationKey));
    const values = await master.redis.hmget(master.generationKey, ...HEAD);
    return HEAD.flatMap((field, i) => (values[i] == null ? [] : [[field, values[i]]]));
  });
  const generation = parseGeneration(fields);
  // Another master's came with a slot. The next epoch brings it back, and users here are not of it.
  return isOfAnother(generation, master) ? undefined : generation;
}

function isOfAnother(generation: Generation | undefined, { nodes: [id] }: Master): boolean {
  return (
    id !== undefined &&
    generation !== undefined &&
    generation.nodes.length > 0 &&
    !generation.nodes.includes(id)
  );
}

/**
 * The generation that a user is of. Undefined if their master has none, or has not noted the user's slot yet: until an
 * epoch has seen that the slot has moved, checkpoints there do not speak for it. Nor do they once the slot has left.
 */
export function findGeneration(
  session: CounterSession,
  generations: Generations,
  userId: string,
): Generation | undefined {
  const generation = generations.get(session.master(userId));
  if (generation?.slots === undefined) return generation;
  const slot = slotOf(userKey(userId));
  return holds(generation.slots, slot) && !holds(generation.left, slot) ? generation : undefined;
}

/** Whether a user's counters can be used: their master is there, and has noted their slot. */
export function hasGeneration(session: CounterSession, generations: Generations, userId: string): boolean {
  return session.holds(userId) && findGeneration(session, generations, userId) !== undefined;
}

/** As `findGeneration`. @throws CountersError COUNTERS_GENERATION if there is none */
export function generationOf(session: CounterSession, generations: Generations, userId: string): Generation {
  const generation = findGeneration(session, generations, userId);
  if (generation === undefined) throw new CountersError('COUNTERS_GENERATION', 'a master has no generation');
  return generation;
}

export function parseGeneration(fields: [string, string][]): Generation | undefined {
  const generation: Generation = {
    id: '',
    nodes: [],
    slots: undefined,
    left: [],
    tenure: '',
    retentionMonths: 0,
    cellsMax: 0,
    checkpoints: new Map(),
    asOf: new Map(),
    asOfMs: undefined,
    erased: 0,
  };
  for (const [field, value] of fields) {
    if (field === 'id') generation.id = value;
    else if (field === 'nodes') generation.nodes = value.split(' ');
    else if (field === 'slots') generation.slots = parseSlots(value);
    else if (field === 'left') generation.left = parseSlots(value);
    else if (field === 'tenure') generation.tenure = value;
    else if (field === 'retention_months') generation.retentionMonths = Number(value);
    else if (field === 'cells_max') generation.cellsMax = Number(value);
    else if (field === ERASED_FIELD) generation.erased = Number(value);
    else if (field === 'asof') generation.asOfMs = Number(value);
    else if (field.startsWith('mark:')) generation.checkpoints.set(field.slice(5), Number(value));
    else if (field.startsWith('asof:')) generation.asOf.set(field.slice(5), Number(value));
  }
  return generation.id === '' ? undefined : generation;
}
