import { test } from 'tap';
import { explore } from './explore.ts';
import type { Scene } from './play.ts';
import { SCENES } from './scenes.ts';

/** More than any scene has, except large ones, whose search ends earlier. */
const STATES_MAX = Number(process.env.MODEL_STATES ?? 2_500);
const LARGE_STATES_MAX = Number(process.env.MODEL_STATES ?? 1_200);

test('every schedule of the small scenes keeps every invariant', async (t) => {
  for (const [name, scene] of Object.entries<Scene>(SCENES)) {
    const statesMax = scene.large ? LARGE_STATES_MAX : STATES_MAX;
    const { states, schedules, complete, found } = await explore(scene, statesMax);
    const seen = complete ? 'all' : 'the first';
    t.equal(found && [...found.steps, found.breach].join('\n'), undefined, name);
    t.ok(complete || scene.large, `${seen} ${states} states, in ${schedules} schedules`);
  }
});
