import fc from 'fast-check';
import { test } from 'tap';
import { type Question, RememberedReadings } from '../src/remembered-readings.ts';

type Memory = Pick<RememberedReadings, 'recall' | 'forget' | 'forgetAll'>;

const of = (userId: string, text: string): Question => ({ generation: 'g', userId, text });

/** What a reader may do wrong. */
interface Breach {
  /** Every second message is lost. */
  losesMessages?: true;
  /** As-of counts as soon as it is read, on the connection that reads. */
  believesAtOnce?: true;
  /** Redis answers on the connection of the messages before it tells of earlier changes. */
  overtakes?: true;
  memory?: () => Memory;
}

const USERS = ['a', 'b'];
/** These come more often: a poll takes five of them. */
const USUAL = ['poll', 'Redis reads', 'reply arrives', 'Redis answers', 'message arrives'] as const;
const STEPS = [
  'count a',
  'count b',
  'note as-of',
  'read a',
  'read b',
  'poll',
  'Redis reads',
  'reply arrives',
  'Redis answers',
  'message arrives',
  'Redis forgets who reads a',
  'all is counted again',
  ...USUAL,
  ...USUAL,
] as const;
type Step = (typeof STEPS)[number];

/**
 * Redis, one reader with its two connections, and whoever counts, one step at a time. Users have versions in place of sums.
 * @returns a description of an answer that is older than its own as-of, or newer than Redis
 */
async function play(steps: readonly Step[], breach: Breach): Promise<string | undefined> {
  const versions: Record<string, number> = { a: 0, b: 0 };
  const noted = [{ ...versions }];
  const tracked = new Set<string>();
  const commands: (() => () => void)[] = [];
  const replies: (() => void)[] = [];
  const pings: (() => void)[] = [];
  const messages: (() => void)[] = [];
  const memory = breach.memory?.() ?? new RememberedReadings(1_000_000);
  let asOf = 0;
  let isPolling = false;
  let told = 0;
  let wrong: string | undefined;

  const tell = (message: () => void) => {
    told += 1;
    if (!breach.losesMessages || told % 2 !== 0) messages.push(message);
  };
  const change = (user: string) => {
    versions[user]! += 1;
    if (tracked.delete(user)) tell(() => memory.forget(user));
  };
  const ask = <T>(read: () => T) =>
    new Promise<T>((resolve) => {
      commands.push(() => {
        const reply = read();
        return () => resolve(reply);
      });
    });
  const read = async (user: string) => {
    const least = noted[asOf]![user]!;
    const version = await memory.recall(of(user, 'version'), () =>
      ask(() => {
        tracked.add(user);
        return versions[user]!;
      }),
    );
    if (version < least) wrong ??= `${user} was ${version}, and as-of spoke of ${least}`;
    if (version > versions[user]!) wrong ??= `${user} was ${version} before it was`;
  };
  const poll = async () => {
    if (isPolling) return;
    isPolling = true;
    const newest = await ask(() => noted.length - 1);
    if (!breach.believesAtOnce) await new Promise<void>((resolve) => pings.push(resolve));
    asOf = newest;
    isPolling = false;
  };
  const turns: Record<Step, () => void> = {
    'count a': () => change('a'),
    'count b': () => change('b'),
    'note as-of': () => noted.push({ ...versions }),
    'read a': () => void read('a'),
    'read b': () => void read('b'),
    poll: () => void poll(),
    'Redis reads': () => {
      const reply = commands.shift()?.();
      if (reply) replies.push(reply);
    },
    'reply arrives': () => replies.shift()?.(),
    'Redis answers': () => {
      const pong = pings.shift();
      if (pong) messages[breach.overtakes ? 'unshift' : 'push'](pong);
    },
    'message arrives': () => messages.shift()?.(),
    'Redis forgets who reads a': () => {
      if (tracked.delete('a')) tell(() => memory.forget('a'));
    },
    'all is counted again': () => {
      for (const user of USERS) versions[user]! += 1;
      tracked.clear();
      tell(() => memory.forgetAll());
    },
  };
  for (const step of steps) {
    turns[step]();
    // What waits for a promise goes on.
    await new Promise((resolve) => setImmediate(resolve));
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

/** Keeps whatever comes, even if the user has changed since it was asked for. */
function keepsAll(): Memory {
  const replies = new Map<string, unknown>();
  return {
    recall: <T>({ userId: user }: Question, ask: () => Promise<T>) =>
      replies.has(user)
        ? (replies.get(user) as T)
        : ask().then((reply) => {
            replies.set(user, reply);
            return reply;
          }),
    forget: (user) => void replies.delete(user),
    forgetAll: () => replies.clear(),
  };
}

const sequences = fc.array(fc.constantFrom(...STEPS), { maxLength: 300, size: 'max' });
const holds = (breach: Breach) =>
  fc.asyncProperty(sequences, async (steps) => (await play(steps, breach)) === undefined);

test('no answer is older than its as-of, or newer than Redis', async (t) => {
  await fc.assert(holds({}), { numRuns: 1_000 });
  t.pass('1000 runs');
  for (const [rule, breach] of Object.entries<Breach>({
    'a message that is lost': { losesMessages: true },
    'as-of of another connection': { believesAtOnce: true },
    'an answer that overtakes messages': { overtakes: true },
    'a reading that is kept although its user has changed': { memory: keepsAll },
  })) {
    const { failed, counterexample, numRuns } = await fc.check(holds(breach), { numRuns: 2_000 });
    t.ok(failed, `found within ${numRuns} runs: ${rule}`);
    t.comment(counterexample?.[0].join(', '));
  }
});

test('readings of many users stay within their bytes, and the latest are known', async (t) => {
  const one = { user: fc.nat(200), question: fc.nat(3), size: fc.nat(2_000), forgets: fc.boolean() };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.record(one), { maxLength: 400 }), async (asked) => {
      const memory = new RememberedReadings(20_000);
      for (const { user, question, size, forgets } of asked) {
        const reply = 'x'.repeat(size);
        const ask = (q: number) => memory.recall(of(`u-${user}`, `${q}`), async () => reply);
        const first = await ask(question);
        const { hits } = memory;
        if ((await ask(question)) !== first || memory.hits !== hits + 1) return false;
        if (memory.bytes > 20_000 || memory.bytes < 0) return false;
        if (!forgets) continue;
        memory.forget(`u-${user}`);
        if ((await ask(question)) !== reply || memory.hits !== hits + 1) return false;
      }
      memory.forgetAll();
      return memory.bytes === 0;
    }),
    { numRuns: 200 },
  );
  t.pass('200 runs');
});

test('a user who is asked for in thousands of ways does not push out the others', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  await memory.recall(of('u-2', 'q'), async () => 'theirs');
  for (let i = 0; i < 20_000; i++) await memory.recall(of('u-1', `q-${i}`), async () => 'x'.repeat(1_000));
  t.ok(memory.bytes < 150_000, `${memory.bytes} bytes`);
  t.equal(
    memory.recall(of('u-2', 'q'), async () => 'asked again'),
    'theirs',
  );
});

test('a large reading, and one that failed, are asked for again', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  let asked = 0;
  const large = async () => {
    asked += 1;
    return ['x'.repeat(20_000)];
  };
  const fail = async () => {
    asked += 1;
    throw new Error('away');
  };
  for (const ask of [large, large]) await memory.recall(of('u-1', 'large'), ask);
  for (const ask of [fail, fail])
    await t.rejects(memory.recall(of('u-1', 'fails'), ask) as Promise<unknown>, /away/);
  t.equal(asked, 4);
});

test('a small part of a large chunk does not keep the chunk', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  const part = Buffer.alloc(65_536, 'x').subarray(100, 110);
  const ask = () => memory.recall<unknown>(of('u-1', 'q'), async () => [['1', part]]);
  t.strictSame(await ask(), [['1', part]]);
  const [[text, kept]] = (await ask()) as [[string, Buffer]];
  t.strictSame([text, kept.toString()], ['1', 'x'.repeat(10)]);
  t.equal(kept.buffer.byteLength, 10);
});

test('whoever asks meanwhile gets the same reading, unless the user has changed', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  const gates: ((reply: number) => void)[] = [];
  const ask = () =>
    memory.recall(of('u-1', 'q'), () => new Promise<number>((resolve) => gates.push(resolve)));
  const early = [ask(), ask()];
  memory.forget('u-1');
  const late = [ask(), ask()];
  t.equal(gates.length, 2);
  gates[1]!(2);
  gates[0]!(1);
  t.strictSame(await Promise.all([...early, ...late]), [1, 1, 2, 2]);
  t.equal(await ask(), 2);
});

test('what is known is told at once, and nothing of another generation', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  const [mine, theirs] = [of('u-1', 'q'), of('u-2', 'q')];
  t.equal(memory.known(mine), undefined);
  const asked = memory.recall(mine, async () => 1);
  t.equal(memory.known(mine), undefined, 'not yet');
  await asked;
  await memory.recall(theirs, async () => 2);
  t.strictSame([memory.known(mine), memory.known(theirs)], [1, 2]);
  t.strictSame([memory.hits, memory.misses], [2, 2]);
  const nothing = of('u-3', 'q');
  await memory.recall(nothing, async () => undefined);
  t.equal(memory.known(nothing), undefined);
  t.strictSame([memory.hits, memory.misses], [2, 3], 'nothing is not told');
  memory.forget('u-1');
  t.strictSame([memory.known(mine), memory.known(theirs)], [undefined, 2]);
  const next = { ...mine, generation: 'h' };
  t.equal(memory.known({ ...theirs, generation: 'h' }), undefined);
  await memory.recall(next, async () => 3);
  t.strictSame([memory.known(next), memory.known(theirs)], [3, undefined]);
});

test('a reading that comes when another generation has begun is not remembered', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  let arrive = (_: number) => {};
  const early = memory.recall(of('u-1', 'q'), () => new Promise<number>((resolve) => (arrive = resolve)));
  await memory.recall({ ...of('u-2', 'q'), generation: 'h' }, async () => 2);
  const { bytes } = memory;
  arrive(1);
  t.equal(await early, 1);
  t.equal(memory.known({ ...of('u-1', 'q'), generation: 'h' }), undefined);
  t.equal(memory.bytes, bytes);
});

/** A memory that is nearly full, with each user asked for once. */
async function filled(bytesMax: number) {
  const memory = new RememberedReadings(bytesMax);
  const ask = (i: number) => memory.recall(of(`u-${i}`, 'q'), async () => i);
  let users = 0;
  while (memory.bytes < 0.99 * bytesMax) await ask(users++);
  return { memory, ask, users };
}

test('memory is used as a whole', async (t) => {
  const { memory, users } = await filled(1_000_000);
  for (let i = 0; i < users; i++) {
    if (memory.known(of(`u-${i}`, 'q')) !== i) return t.fail(`${i} of ${users} users was forgotten`);
  }
  t.equal(memory.misses, users);
});

test('if everybody was asked for again, some have to go, and bytes are those of who stays', async (t) => {
  const { memory, ask, users } = await filled(10_000_000);
  t.ok(users > 20_000, `${users} users: more than are spared at once`);
  for (let i = 0; i < users; i++) await ask(i);
  for (let i = users; i < users + 1_000; i++) await ask(i);
  const { hits } = memory;
  const isKnown = (i: number) => memory.known(of(`u-${i}`, 'q')) === i;
  const stay = Array.from({ length: users + 1_000 }, (_, i) => i).filter(isKnown);
  t.equal(memory.hits - hits, stay.length);
  t.ok(stay.length < users + 1_000 && stay.length > 0.9 * users, `${stay.length} stay`);
  t.equal(stay[9_999], 9_999, 'the first ones were spared');
  t.equal(stay.at(-1), users + 999);
  for (const i of stay) memory.forget(`u-${i}`);
  t.equal(memory.bytes, 0);
});

test('who is known stays, however many others come', async (t) => {
  const memory = new RememberedReadings(20_000);
  await memory.recall(of('u-0', 'q'), async () => 0);
  for (let i = 1; i < 1_000; i++) {
    await memory.recall(of(`u-${i}`, 'q'), async () => 'x'.repeat(500));
    if (memory.known(of('u-0', 'q')) === undefined) return t.fail(`forgotten after ${i} others`);
  }
});

test('nobody changes what others are given', async (t) => {
  const memory = new RememberedReadings(1_000_000);
  const ask = () =>
    memory.recall(of('u-1', 'q'), async () => ({ sums: [{ calls: 1 }], by: new Map([['a', { calls: 2 }]]) }));
  const first = await ask();
  first.sums[0]!.calls = 9;
  const { sums, by } = await ask();
  t.strictSame(sums, [{ calls: 1 }]);
  t.strictSame(by, new Map([['a', { calls: 2 }]]));
  for (const change of [
    () => (sums[0]!.calls = 9),
    () => sums.push({ calls: 9 }),
    () => (by.get('a')!.calls = 9),
  ]) {
    t.throws(change, TypeError);
  }
});
