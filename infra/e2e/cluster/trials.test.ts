import { test } from 'tap';
import { ClusterDeployment } from '../src/cluster/cluster-deployment.ts';
import { ClusterReport } from '../src/cluster/cluster-report.ts';
import { playTrial } from '../src/cluster/trial.ts';
import { TRIALS } from '../src/cluster/trials.ts';
import { Chance } from '../src/random.ts';
import { worldOn } from '../src/world.ts';

const USERS = 24;

/** Words; a trial whose name has one of them is played. All are played if there are none. */
const wanted = (process.env.CLUSTER_TRIALS ?? '').toLowerCase().split(',').filter(Boolean);

test('a cluster stays exact whatever happens to its parts', async (t) => {
  const chosen = TRIALS.filter(({ name }) =>
    wanted.length === 0 ? true : wanted.some((word) => name.toLowerCase().includes(word)),
  );
  t.not(chosen.length, 0, `trials whose name has one of: ${wanted}`);
  const chance = Chance.fromEnvironment();
  t.comment(`E2E_SEED=${chance.seed}`);
  const world = await worldOn(await ClusterDeployment.start(t), USERS, chance);
  const report = new ClusterReport();
  for (const trial of chosen) await t.test(trial.name, (t) => playTrial(t, world, report, trial));
});
