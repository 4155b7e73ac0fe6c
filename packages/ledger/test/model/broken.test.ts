import { test } from 'tap';
import { explore } from './explore.ts';
import { FAULTS } from './faults.ts';
import { SCENES } from './scenes.ts';

const STATES_MAX = Number(process.env.MODEL_STATES ?? 2_500);

type SceneName = keyof typeof SCENES;

/** The scene that finds each broken rule. */
const SHOWN: Record<keyof typeof FAULTS, SceneName> = {
  'the offset check is removed': 'two consumers of one partition, a cold user',
  'stored is raised before the insert': 'a user is reopened while others count',
  'stored is not awaited': 'one call by two partitions',
  'stored is never raised': 'a user is reopened while others count',
  'a duplicate counts': 'one call by two partitions',
  'a redelivered event does not count': 'Redis goes back to a dump',
  'a lost row is added': 'ingest reads a row again that Mongo lost, of a call that came twice',
  'an unknown user is opened, whatever claim stands': 'a slow opener, and a user who is forgotten',
  'stored is read before the claim': 'a slow opener, and a user who is forgotten',
  'old buckets stay when a user is opened': 'a user is reopened while others count',
  'a reopened user has the same fill id': 'a filler, and a user who is reopened at more',
  'the fill id is ignored': 'a filler, and a user who is reopened at more',
  'a piece need not be the next': 'two fillers of one user',
  'base is ignored': 'two consumers of one partition, a cold user',
  'base is deleted before the last piece': 'two fillers of one user',
  'base is deleted without noting the applied offsets': 'two fillers of one user',
  'a piece moves applied back': 'two partitions count a user who is being filled',
  'a piece has rows beyond base': 'two partitions count a user who is being filled',
  'the first piece ends now': 'two fillers of one user',
  'a piece that ends ahead of the clock has no end': 'a filler whose clock is slow, after another',
  'a piece does not raise the latest start': 'two fillers of one user',
  'all generations have the same id':
    'Mongo went back, a slow consumer writes a checkpoint, and another starts',
  'a checkpoint goes back': 'Mongo went back, a slow consumer writes a checkpoint, and another starts',
  'checkpoints are ignored': 'Redis goes back to a dump',
  'the checkpoint comes before apply': 'a user is reopened while others count',
  'masters without users of a batch hear of it before it is applied':
    'users of two masters, in batches of one each',
  'as-of is that of some partitions': 'as-of of two partitions',
  'the commit comes first': 'one call by two partitions',
  'a session goes on after a cut': 'Redis goes back to a dump',
  'checkpoints of a master that was away are ignored': 'a master is back',
  'a checkpoint needs no tenure': 'a slot leaves a master that is away for a slow consumer',
  'slots that left are not noted': 'a slot comes back, after its users were left out elsewhere',
  'slots that are gone are not noted with a checkpoint':
    'a slot leaves for a moment, while its user is counted',
  'what a checkpoint noted is overwritten':
    'a slot leaves for a moment, while another process notes the slots',
  'a piece adds no cells': 'a month gets too many cells while its user is filled',
  'cells are added before the offset is checked': 'two consumers of one partition, a cold user',
  'what is taken away is taken from the cell of what is added':
    'a breakdown is read while a call changes its cell',
  'rows take away from the cell of what is added': 'a breakdown is read while a call changes its cell',
  'numbers of cells are not noted': 'two partitions name cells of one month',
  'sums go on behind too many cells': 'a month gets too many cells while its user is filled',
  'a piece with too many cells is left out': 'a piece has too many cells while its user is counted',
  'readers are not told of too many cells': 'a breakdown is read while a month gets too many cells',
  'edges of a breakdown are of all rows': 'a breakdown is read while its first day is counted',
  'a piece adds no half-hours': 'a user with a call that moved is filled again, and counted',
  'half-hours are added before the offset is checked': 'two consumers of one partition, a cold user',
  'what is taken away is taken from the half-hour of what is added':
    'days of a time zone are read while a call moves to another time',
  'half-hours of a chunk replace those before': 'a piece has too many cells while its user is counted',
  'half-hours stay when a user is opened': 'a user with a call that moved is filled again, and counted',
  'rows take away from the half-hour of what is added':
    'a user with a call that moved is filled again, and counted',
  'readers use what lies before since': 'a time zone is read while its user is filled',
  'a correction takes nothing away': 'a correction is written, and its consumer is killed',
  'a correction that comes again is judged by its revision':
    'a correction is written, and its consumer is killed',
  'two corrections may have the same number': 'two partitions race for the next correction of a call',
  'corrections are left out of the fill': 'a user is opened at a correction, and not at what it needs',
  'corrections are left out of edges': 'counters and edges are read while a call is corrected',
  'a correction is applied before what it needs':
    'a correction of a call that another partition has stored and not applied',
  'a user is filled with a correction, but not with what it needs':
    'a user is opened at a correction, and not at what it needs',
  'sums have a correction, but not what it needs': 'Mongo is read while two partitions correct a call',
};

test('every broken rule is found', async (t) => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    const { states, found } = await explore(SCENES[SHOWN[name as keyof typeof FAULTS]], STATES_MAX, fault);
    t.type(found?.breach, 'string', `${name}: after ${states} states`);
  }
});
