import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { callValue, DeadLetterWorld } from './support.ts';

const COMMAND = fileURLToPath(new URL('../../bin/calltally.js', import.meta.url));
const ROUNDS = 8;
const LETTERS_A_ROUND = 1_200;

interface Listed {
  id: string;
  state: 'open' | 'retrying' | 'retried' | 'discarded';
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
    for (const id of of('retrying')) inDoubt.add(id);
    t.ok(
      of('retried').every((id) => now.get(id)! >= 1),
      'what is marked was published',
    );
    t.ok(
      of('open').every((id) => !now.has(id)),
      'what was published was claimed',
    );
    t.ok(
      settled.every((id) => now.get(id) === times.get(id)),
      'what was marked before was not published again',
    );
    if (of('open').length > 0 && now.size > times.size) cutInTheMiddle++;
    t.comment(
      `retried ${of('retried').length}, in doubt ${of('retrying').length}, open ${of('open').length}`,
    );
    times = now;
  }
  t.ok(cutInTheMiddle >= ROUNDS / 4, `${cutInTheMiddle} kills fell between letters`);

  const plain = await world.json(['retry', '--yes']);
  t.equal(plain.status, inDoubt.size === 0 ? 0 : 1);
  t.ok(plain.errors.every(({ code, letter }) => code === 'LETTER_RETRYING' && inDoubt.has(letter)));
  t.equal(plain.errors.length, inDoubt.size, 'each letter in doubt is named');
  t.match(await world.json(['retry', '--yes', '--again']), { status: 0, out: { retried: inDoubt.size } });
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

test('of several who retry the same letters at once, each letter is published by one', async (t) => {
  const world = await DeadLetterWorld.start(t);
  const ids = await world.letters(
    Array.from({ length: 900 }, (_, i) => ({ key: `u-${i}`, value: callValue(`c-${i}`) })),
  );
  const runs = await Promise.all(Array.from({ length: 4 }, () => world.json(['retry', '--yes'])));
  const retried = runs.map(({ out }) => out.retried);
  t.comment(`retried by each: ${retried}`);
  t.equal(
    retried.reduce((a, b) => a + b),
    ids.length,
  );
  t.ok(runs.every(({ errors }) => errors.every(({ code }) => code === 'LETTER_RETRYING')));
  const times = await world.publishedTimes();
  t.ok(ids.every((id) => times.get(id) === 1));

  await world.leaveRetrying(await world.letters([{ key: 'u', value: callValue('c-x') }]));
  const heirs = await Promise.all(Array.from({ length: 4 }, () => world.json(['retry', '--yes', '--again'])));
  t.equal(
    heirs.map(({ out }) => out.retried).reduce((a, b) => a + b),
    1,
    'of those who ask for it at once, one takes over',
  );
});

test('while Kafka or Mongo is away nothing is claimed', async (t) => {
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
