import { test } from 'tap';
import { explore } from './explore.ts';
import type { Scene } from './play.ts';
import { SCENES } from './scenes.ts';

/** More than any of them has. */
const STATES_MAX = 5_000;

test('every schedule of the small scenes keeps every invariant', async (t) => {
  for (const [name, scene] of Object.entries<Scene>(SCENES)) {
    if (scene.large) continue;
    const { states, schedules, complete, found } = await explore(scene, STATES_MAX);
    t.equal(found && [...found.steps, found.breach].join('\n'), undefined, name);
    t.ok(complete, `all ${states} states, in ${schedules} schedules`);
  }
});
