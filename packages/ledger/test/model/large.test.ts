import { test } from 'tap';
import { explore } from './explore.ts';
import type { Scene } from './play.ts';
import { SCENES } from './scenes.ts';

/** Of each scene. MODEL_STATES searches more. */
const STATES_MAX = Number(process.env.MODEL_STATES ?? 600);

test('the first schedules of the large scenes keep every invariant', async (t) => {
  for (const [name, scene] of Object.entries<Scene>(SCENES)) {
    if (!scene.large) continue;
    const { states, schedules, found } = await explore(scene, STATES_MAX);
    t.equal(found && [...found.steps, found.breach].join('\n'), undefined, name);
    t.comment(`${states} states, in ${schedules} schedules`);
  }
});
