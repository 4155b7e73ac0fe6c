import { createHash } from 'node:crypto';
import { type Choose, play, type Run, type Scene } from './play.ts';
import type { Fault, World } from './world.ts';

export interface Exploration {
  /** Number of different states seen. */
  states: number;
  /** Number of runs. */
  schedules: number;
  /** False if a bound ended the search early. */
  complete: boolean;
  /** The first run that broke an invariant. */
  found: Run | undefined;
}

type Explorable = Pick<World, 'state' | 'workers'>;

/** Plays every schedule of a scene. */
export function explore(scene: Scene, statesMax: number, fault?: Fault): Promise<Exploration> {
  return exploreRuns((choose, known) => play(scene, choose, fault, known), statesMax);
}

/**
 * Plays every schedule, depth first. Each run goes on until it comes to a state that was seen before. It begins from the
 * start, because workers cannot be copied in the middle of their work.
 * @param run plays a run. The first `known` of its steps were checked before
 */
export async function exploreRuns<W extends Explorable>(
  run: (choose: Choose<W>, known: number) => Promise<Run>,
  statesMax: number,
): Promise<Exploration> {
  const seen = new Set<string>();
  const waiting: number[][] = [[]];
  let schedules = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.size >= statesMax) return { states: seen.size, schedules, complete: false, found: undefined };
    schedules++;
    const played = await run(along(path, seen, waiting), path.length - 1);
    if (played.breach !== undefined) return { states: seen.size, schedules, complete: true, found: played };
  }
  return { states: seen.size, schedules, complete: true, found: undefined };
}

/** Follows a path to its end, then always takes the first step and leaves the others for later. */
function along<W extends Explorable>(
  path: readonly number[],
  seen: Set<string>,
  waiting: number[][],
): Choose<W> {
  const taken = [...path];
  let at = 0;
  return (steps, world, allowed) => {
    if (at < path.length) return steps[path[at++]!]!;
    const state = createHash('md5').update(world.state()).update(JSON.stringify(allowed)).digest('base64');
    if (seen.has(state)) return 'seen';
    seen.add(state);
    const rests = world.workers.length === 0;
    for (let i = steps.length - 1; i >= (rests ? 0 : 1); i--) waiting.push([...taken, i]);
    if (rests) return 'quiet';
    taken.push(0);
    return steps[0]!;
  };
}
