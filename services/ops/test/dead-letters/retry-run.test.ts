import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { opsSettings, readSettings } from '@calltally/settings';
import type { Store } from '@calltally/store';
import { test } from 'tap';
import { connectDeadLetters, scanLetters } from '../../src/dead-letters/dead-letter-client.ts';
import { RetryRun } from '../../src/dead-letters/retry-run.ts';
import { callValue, DeadLetterWorld } from './support.ts';

const COMMAND = fileURLToPath(new URL('../../bin/calltally.js', import.meta.url));
const ROUNDS = 8;
const LETTERS_A_ROUND = 1_200;

/** Letters that are published, and marked, at once: so many may be published and still open after a kill. */
const BATCH_LETTERS_MAX = 100;

interface Listed {
  id: string;
  state: 'open' | 'retried' | 'discarded';
}

async function statesOf(world: DeadLetterWorld): Promise<Map<string, Listed['state']>> {
  const { out, errors } = await world.json(['list', '--all']);
  if (out === undefined) throw new Error(JSON.stringify(errors));
  return new Map(out.letters.map(({ id, state }: Listed) => [id, state]));
}

test('a retry that is killed anywhere loses nothing, and nothing that is marked is published again', async (t) => {
  const world = await DeadLetterWorld.start(t);
  let seeded = 0;
  const seed = () =>
    world.letters(
      Array.from({ length: LETTERS_A_ROUND }, () => ({
        key: `u-${seeded % 7}`,
        value: callValue(`c-${seeded++}`),
      })),
    );
  /** Published, and open after a kill. */
  const inDoubt = new Set<string>();
  let times = new Map<string, number>();
  let cutInTheMiddle = 0;

  for (let round = 0; round < ROUNDS; round++) {
    await seed();
    const settled = [...(await statesOf(world))].filter(([, state]) => state === 'retried').map(([id]) => id);
    const before = await world.publishedCount();
    const child = spawn(process.execPath, [COMMAND, 'dlq', 'retry', '--yes', '--json'], {
      env: { PATH: process.env.PATH!, ...world.env },
      stdio: 'ignore',
    });
    const gone = once(child, 'exit');
    if (round % 4 === 3) await sleep(Math.random() * 1_500);
    else {
      for (let i = 0; i < 2_000 && (await world.publishedCount()) === before; i++) await sleep(2);
      await sleep(Math.random() * 60);
    }
    child.kill('SIGKILL');
    await gone;

    const states = await statesOf(world);
    const now = await world.publishedTimes();
    const of = (state: string) => [...states].filter(([, one]) => one === state).map(([id]) => id);
    t.equal(states.size, (round + 1) * LETTERS_A_ROUND, 'every letter is listed');
    t.ok(
      of('retried').every((id) => now.get(id)! >= 1),
      'what is marked was published',
    );
    t.ok(
      settled.every((id) => states.get(id) === 'retried' && now.get(id) === times.get(id)),
      'what was marked before is marked, and was not published again',
    );
    const doubtful = of('open').filter((id) => (now.get(id) ?? 0) > (times.get(id) ?? 0));
    t.ok(doubtful.length <= BATCH_LETTERS_MAX, 'one batch at most is published and still open');
    for (const id of doubtful) inDoubt.add(id);
    if (of('open').length > 0 && now.size > times.size) cutInTheMiddle++;
    t.comment(`retried ${of('retried').length}, in doubt ${doubtful.length}, open ${of('open').length}`);
    times = now;
  }
  t.ok(cutInTheMiddle >= ROUNDS / 4, `${cutInTheMiddle} kills fell between letters`);

  const open = [...(await statesOf(world)).values()].filter((state) => state === 'open').length;
  t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: open }, errors: [] });
  const states = await statesOf(world);
  times = await world.publishedTimes();
  t.equal(states.size, ROUNDS * LETTERS_A_ROUND);
  t.ok(
    [...states].every(([id, state]) => state === 'retried' && times.get(id)! >= 1),
    'every letter is published and marked',
  );
  const twice = [...times].filter(([, count]) => count > 1).map(([id]) => id);
  t.ok(
    twice.every((id) => inDoubt.has(id)),
    `${twice.length} were published twice, all of them in doubt once`,
  );
  t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: 0 } });
});

test('several who retry the same letters at once publish and mark every one of them', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const ids = await world.letters(
    Array.from({ length: 900 }, (_, i) => ({ key: `u-${i}`, value: callValue(`c-${i}`) })),
  );
  const runs = await Promise.all(Array.from({ length: 4 }, () => world.json(['retry', '--yes'])));
  t.comment(`retried by each: ${runs.map(({ out }) => out.retried)}`);
  t.ok(runs.every(({ status, errors }) => status === 0 && errors.length === 0));
  const times = await world.publishedTimes();
  t.ok(ids.every((id) => times.get(id)! >= 1));
  t.strictSame(new Set((await statesOf(world)).values()), new Set(['retried']));
  t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: 0 } });
  const published = await world.published();
  t.strictSame(
    new Set(published.map(({ value }) => JSON.parse(String(value)).call_id)),
    new Set(ids.map((_, i) => `c-${i}`)),
    'what was published twice is the same call, which counts once',
  );
});

test('one who retries and one who discards at once leave every letter with one state', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const ids = await world.letters(
    Array.from({ length: 300 }, (_, i) => ({ key: `u-${i}`, value: callValue(`c-${i}`) })),
  );
  const runs = await Promise.all([
    world.json(['retry', '--yes']),
    world.json(['discard', '--code', 'EVENT_NOT_JSON', '--yes']),
  ]);
  t.ok(runs.every(({ status }) => status === 0));
  const states = await statesOf(world);
  const times = await world.publishedTimes();
  t.equal(states.size, ids.length);
  t.ok(ids.every((id) => states.get(id) === 'discarded' || (states.get(id) === 'retried' && times.get(id))));
  const discarded = ids.filter((id) => states.get(id) === 'discarded');
  if (discarded.length > 0) {
    const again = await world.json(['retry', ...discarded, '--again']);
    t.match(again, { status: 0, out: { retried: discarded.length } }, 'a discarded letter can be retried');
  }
});

test('a letter that is published and cannot be marked is open, counted as in doubt, and retried again', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const [id] = await world.letters([{ key: 'u-1', value: callValue('c-1') }]);
  const connected = await connectDeadLetters(readSettings(opsSettings, world.env).kafka, world.store);
  const { deadLetterStatuses, ...others } = world.store;
  const set = async () => {
    throw new Error('Mongo is away');
  };
  const store = { ...others, deadLetterStatuses: { of: deadLetterStatuses.of, set } } as unknown as Store;
  const options = { named: false, again: false, dryRun: false, force: false, corrected: undefined };
  const run = new RetryRun({ ...connected, store }, { ...options, report: async () => {} });
  const scanned = scanLetters(connected, {
    selection: { ids: [], filters: {} },
    async take(found) {
      await run.take(found);
      return true;
    },
    onProgress() {},
    signal: new AbortController().signal,
  });
  await t.rejects(scanned, { message: 'Mongo is away' });
  await run.close();
  t.match(run, { retried: 0, inDoubt: 1 });
  t.equal((await statesOf(world)).get(id!), 'open');
  t.equal((await world.publishedTimes()).get(id!), 1);
  t.match(await world.json(['retry', '--yes']), { status: 0, out: { retried: 1, in_doubt: 0 } });
  t.equal((await world.publishedTimes()).get(id!), 2);
  t.equal((await statesOf(world)).get(id!), 'retried');
});

test('while Kafka or Mongo is away nothing is published or marked', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const [id] = await world.letters([{ key: 'u-1', value: callValue('c-1') }]);
  const noKafka = await world.json(['retry', id!], { env: { ...world.env, KAFKA_BROKERS: '127.0.0.1:1' } });
  t.match(noKafka, { status: 1, errors: [{ code: 'KAFKA_UNAVAILABLE' }] });
  const noMongo = await world.json(['retry', id!], {
    env: { ...world.env, MONGODB_URI: 'mongodb://127.0.0.1:1/none' },
  });
  t.match(noMongo, { status: 1, errors: [{ code: 'STORE_UNAVAILABLE' }] });
  t.equal(await world.publishedCount(), 0);
  t.equal((await statesOf(world)).get(id!), 'open');
});
