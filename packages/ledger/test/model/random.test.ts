import { test } from 'tap';
import { FAULTS } from './faults.ts';
import { search } from './random.ts';

const RUNS = Number(process.env.MODEL_RUNS ?? 300);
const SEED = Number(process.env.MODEL_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Enough for the runs on a busy machine, and for shrinking a failing one. */
const TIMEOUT_MS = 30_000 + RUNS * 60;

test('random kills, cuts, late commands, dumps, backups, openings, pieces and replays: every invariant holds after every step', async (t) => {
  t.comment(`MODEL_SEED=${SEED}`);
  const begunMs = performance.now();
  const { runs, found } = await search({ runs: RUNS, seed: SEED, timeoutMs: TIMEOUT_MS });
  t.comment(`${runs} runs, ${Math.round((runs / (performance.now() - begunMs)) * 1_000)} a second`);
  t.equal(found, undefined);
});

test('the same on a cluster whose masters go away, and whose slots move', async (t) => {
  t.comment(`MODEL_SEED=${SEED}`);
  const { runs, found } = await search({
    runs: Math.ceil(RUNS / 2),
    seed: SEED,
    timeoutMs: TIMEOUT_MS,
    isCluster: true,
  });
  t.comment(`${runs} runs`);
  t.equal(found, undefined);
});

test('random runs find broken rules', async (t) => {
  const names = [
    'the offset check is removed',
    'stored is raised before the insert',
    'stored is not awaited',
    'old buckets stay when a user is opened',
    'base is ignored',
    'base is deleted before the last piece',
    'a piece moves applied back',
    'a piece has rows beyond base',
    'all generations have the same id',
    'a piece need not be the next',
    'corrections are left out of the fill',
    'two corrections may have the same number',
  ] as const;
  for (const name of names) {
    const { runs, found } = await search({ runs: 1_000, seed: 1, timeoutMs: 300_000, fault: FAULTS[name] });
    t.type(found, 'string', `${name}: ${runs} runs`);
  }
});
