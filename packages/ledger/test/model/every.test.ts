import { test } from 'tap';
import { explore } from './explore.ts';
import { FAULTS } from './faults.ts';
import type { Scene } from './play.ts';
import { SCENES } from './scenes.ts';

/** More than any scene has that is not large; in a large one the search ends here. */
const STATES_MAX = Number(process.env.MODEL_STATES ?? 2_500);

type SceneName = keyof typeof SCENES;

test('every schedule of the small scenes keeps every invariant', async (t) => {
  for (const [name, scene] of Object.entries<Scene>(SCENES)) {
    const { states, schedules, complete, found } = await explore(scene, STATES_MAX);
    const seen = complete ? 'all' : 'the first';
    t.equal(found && [...found.steps, found.breach].join('\n'), undefined, name);
    t.ok(complete || scene.large, `${seen} ${states} states, in ${schedules} schedules`);
  }
});

/** Where the absence of each rule shows. */
const SHOWN: Record<keyof typeof FAULTS, SceneName> = {
  'the offset check is removed': 'two consumers of one partition, a cold user',
  'stored is raised before the insert': 'a user is opened anew while others count',
  'stored is not waited for': 'one call by two partitions',
  'stored is never raised': 'a user is opened anew while others count',
  'a duplicate counts': 'one call by two partitions',
  'a redelivered event does not count': 'Redis goes back to a dump',
  'a row that was lost is added': 'ingest goes back over a row that Mongo lost, of a call that came twice',
  'whoever is unknown is opened, whatever claim stands': 'a slow opener, and a user who is forgotten',
  'stored is read before the claim': 'a slow opener, and a user who is forgotten',
  'what an earlier life left behind stays': 'a user is opened anew while others count',
  'a fill has the same id when opened anew': 'a filler, and a user who is opened anew at more',
  'the id of a fill is not looked at': 'a filler, and a user who is opened anew at more',
  'a piece need not be the next': 'two fillers of one user',
  'base is not looked at': 'two consumers of one partition, a cold user',
  'base goes before the last piece': 'two fillers of one user',
  'base goes, and what was applied is not noted': 'two fillers of one user',
  'a piece takes applied back': 'two partitions count a user who is being filled',
  'a piece has rows beyond base': 'two partitions count a user who is being filled',
  'the first piece ends now': 'two fillers of one user',
  'a piece that ends ahead of the clock has no end': 'a filler whose clock is slow, after another',
  'a piece does not raise the latest start': 'two fillers of one user',
  'generations are all the same': 'Mongo went back, a slow consumer marks, and another begins',
  'a mark goes back': 'Mongo went back, a slow consumer marks, and another begins',
  'the marks are not looked at': 'Redis goes back to a dump',
  'the mark comes before apply': 'a user is opened anew while others count',
  'the commit comes before all else': 'one call by two partitions',
  'a session goes on after a cut': 'Redis goes back to a dump',
};

test('a rule that is left out shows', async (t) => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    const { states, found } = await explore(SCENES[SHOWN[name as keyof typeof FAULTS]], STATES_MAX, fault);
    t.type(found?.breach, 'string', `${name}: after ${states} states`);
  }
});
