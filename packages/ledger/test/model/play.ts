import { type Allowed, accidents } from './accidents.ts';
import { breachInQuiet, breachOf } from './invariants.ts';
import { open } from './readers.ts';
import { consumer, filler, RESPECT_MS } from './workers.ts';
import { type Fault, PARTITIONS, type Step, USERS, World } from './world.ts';

/** Where a run begins, and what may happen in it. */
export interface Scene {
  /** On a Redis Cluster of two masters, one for each user. */
  isCluster?: boolean;
  /** Has too many states to search all of them each time (large.test.ts). */
  large?: boolean;
  /** Cells that counters keep of a month. Default: none. */
  cellsMax?: number;
  allowed: Allowed;
  prepare?: (world: World) => Promise<void>;
}

export interface Run {
  /** What happened, in order. */
  steps: string[];
  /** What does not hold after the last step. */
  breach?: string;
}

/** What comes next: a step, or quiet, or nothing because this state was seen before. */
export type Choose<W = World> = (
  steps: readonly Step[],
  world: W,
  allowed: Allowed,
) => Step | 'quiet' | 'seen';

/** If the workers do not finish within so many turns, something goes round in circles. */
const TURNS_TO_QUIET = 4_000;
const ROUNDS_TO_QUIET = 2;

/**
 * Plays a scene, step by step as chosen, and checks every invariant after each step.
 * @param known number of steps at the beginning that were checked before
 */
export async function play(scene: Scene, choose: Choose, fault?: Fault, known = 0): Promise<Run> {
  const world = new World(fault, scene);
  const allowed = { ...scene.allowed };
  const run: Run = { steps: [] };
  const take = async (step: Step) => {
    run.steps.push(step.text);
    await step.take();
    const breach = run.steps.length <= known ? undefined : breachOf(world);
    if (breach !== undefined) run.breach = breach;
    return breach === undefined;
  };
  try {
    await scene.prepare?.(world);
    for (;;) {
      const next = choose([...world.turns(), ...accidents(world, allowed)], world, allowed);
      if (next === 'seen') return run;
      if (next === 'quiet') break;
      if (!(await take(next))) return run;
    }
    run.steps.push('quiet');
    world.redis.cluster?.away.clear();
    for (const command of world.late.splice(0)) command.effect();
    if (!(await finish(world, take))) return run;
    world.lostRows = false;
    for (let round = 1; round <= ROUNDS_TO_QUIET; round++) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        await world.start(`last consumer ${partition}`, consumer(partition, 3, true));
        if (!(await finish(world, take))) return run;
      }
    }
    world.nowMs += RESPECT_MS + 1;
    for (const [name, work] of [
      ['last reader', open(USERS)],
      // Once more for those who are opened again, at what is stored now.
      ['last filler', filler({}, 2)],
    ] as const) {
      await world.start(name, work);
      if (!(await finish(world, take))) return run;
    }
    const breach = breachInQuiet(world);
    return breach === undefined ? run : { ...run, breach };
  } finally {
    for (const worker of world.workers) world.remove(worker);
  }
}

/** Lets everybody finish, in turn. Time passes when all wait for it. @returns false at the first breach */
export async function finish(world: World, take: (step: Step) => Promise<boolean>): Promise<boolean> {
  for (let turn = 1; ; turn++) {
    const turns = world.turns();
    const ready = turns.filter(({ isPause }) => !isPause);
    const step = ready.length > 0 ? ready[turn % ready.length] : turns[0];
    if (step === undefined) return true;
    if (step.isPause) world.nowMs += RESPECT_MS + 1;
    if (turn > TURNS_TO_QUIET) throw new Error(`no rest after ${TURNS_TO_QUIET} turns: ${step.text}`);
    if (!(await take(step))) return false;
  }
}
