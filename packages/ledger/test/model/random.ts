import fc from 'fast-check';
import { type Choose, play, type Scene } from './play.ts';
import type { Fault } from './world.ts';

const CHOICES_MAX = 200;
const CHOICE_MAX = 9_999;

/** Everything that may happen. In each run some of it does. */
const EVERYTHING: Scene = {
  allowed: {
    events: 12,
    consumers: 6,
    kills: 3,
    cuts: 2,
    forgets: 1,
    flushes: 1,
    dumps: 2,
    redisPutBacks: 1,
    backups: 1,
    mongoPutBacks: 1,
    pauses: 1,
    openers: 2,
    readers: 2,
    dashboards: 2,
    breakdowns: 2,
    zones: 2,
    fillers: 3,
    slowClocks: 1,
    warms: 1,
    repairs: 1,
    reopens: 1,
    replaces: 1,
    discards: 1,
    audits: 2,
    replays: 1,
    rewinds: 1,
  },
};

/** What may happen on a cluster, of which no dump is played: its masters would be of different moments. */
const CLUSTER: Scene = {
  isCluster: true,
  allowed: {
    ...EVERYTHING.allowed,
    dumps: 0,
    redisPutBacks: 0,
    backups: 0,
    mongoPutBacks: 0,
    mastersAway: 2,
    mastersBack: 2,
    mastersEmptied: 1,
    moves: 4,
  },
};

type Kind = keyof Scene['allowed'];
/** Without events and consumers nothing happens. */
const ALWAYS: readonly Kind[] = ['events', 'consumers'];
const kindsOf = ({ allowed }: Scene) =>
  (Object.keys(allowed) as Kind[]).filter((kind) => !ALWAYS.includes(kind));

export interface Search {
  runs: number;
  seed: number;
  /** The search and the shrinking end after this. */
  timeoutMs: number;
  fault?: Fault;
  isCluster?: boolean;
}

/** Plays random runs. @returns how many, and the shortest run found that breaks an invariant */
export async function search({ runs, seed, timeoutMs, fault, isCluster = false }: Search) {
  const everything = isCluster ? CLUSTER : EVERYTHING;
  const choices = fc.array(fc.nat(CHOICE_MAX), { minLength: 5, maxLength: CHOICES_MAX, size: 'max' });
  // With fewer kinds of accidents, each is tried more often.
  const left = fc.subarray(kindsOf(everything));
  // All cells are kept, or fewer than a month may get.
  const cellsMax = fc.constantFrom(1_000, 2);
  const property = fc.asyncProperty(left, cellsMax, choices, async (kinds, cellsMax, chosen) => {
    const scene = { ...allowing(everything, kinds), cellsMax };
    const { breach, steps } = await play(scene, following(chosen), fault);
    if (breach !== undefined) throw new Error([...steps, breach].join('\n'));
  });
  const limits = {
    numRuns: runs,
    seed,
    interruptAfterTimeLimit: timeoutMs,
    endOnFailure: fault !== undefined,
  };
  const { numRuns, errorInstance } = await fc.check(property, limits);
  return { runs: numRuns, found: (errorInstance as Error | null)?.message };
}

function allowing({ isCluster, allowed: all }: Scene, kinds: readonly Kind[]): Scene {
  const allowed: Scene['allowed'] = {};
  for (const kind of [...ALWAYS, ...kinds]) allowed[kind] = all[kind] ?? 0;
  return { ...(isCluster && { isCluster }), allowed };
}

/** The least choice is the next turn of the first worker, so that runs shrink to plain ones. */
function following(chosen: readonly number[]): Choose {
  let at = 0;
  return (steps) => {
    if (at === chosen.length || steps.length === 0) return 'quiet';
    let left = chosen[at++]! % steps.reduce((sum, { weight }) => sum + weight, 0);
    for (const step of steps) {
      left -= step.weight;
      if (left < 0) return step;
    }
    return 'quiet';
  };
}
