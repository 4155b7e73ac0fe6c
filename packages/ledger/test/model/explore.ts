import { createHash } from 'node:crypto';
import { type Choose, play, type Run, type Scene } from './play.ts';
import type { Fault } from './world.ts';

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

/**
 * Plays every schedule of a scene, depth first. Each run goes on until it comes to a state that was seen before. It begins
 * from the start, because workers cannot be copied in the middle of their work.
 */
export async function explore(scene: Scene, statesMax: number, fault?: Fault): Promise<Exploration> {
  const seen = new Set<string>();
  const waiting: number[][] = [[]];
  let schedules = 0;
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.size >= statesMax) return { states: seen.size, schedules, complete: false, found: undefined };
    schedules++;
    const run = await play(scene, along(path, seen, waiting), fault, path.length - 1);
    if (run.breach !== undefined) return { states: seen.size, schedules, complete: true, found: run };
  }
  return { states: seen.size, schedules, complete: true, found: undefined };
}

/** Follows a path to its end, then always takes the first step and leaves the others for later. */
function along(path: readonly number[], seen: Set<string>, waiting: number[][]): Choose {
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
