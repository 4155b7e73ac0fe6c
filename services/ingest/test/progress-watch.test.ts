import fc from 'fast-check';
import { test } from 'tap';
import { ProgressWatch } from '../src/progress-watch.ts';

const LIMIT_MS = 10;

interface Step {
  afterMs: number;
  /** Undefined: nothing is under way. */
  state: string | undefined;
  answers: boolean;
}

const step = fc.record<Step>({
  afterMs: fc.integer({ min: 1, max: 6 }),
  state: fc.constantFrom('a', 'a', 'a', 'b', undefined),
  answers: fc.constantFrom(true, true, true, false),
});

/** Whether the watch finds the work stuck after each step. */
function verdicts(steps: readonly Step[]): boolean[] {
  const watch = new ProgressWatch(LIMIT_MS);
  let nowMs = 0;
  return steps.map(({ afterMs, state, answers }) => {
    nowMs += afterMs;
    const isStanding = watch.look(new Map(state === undefined ? [] : [['work', state]]), nowMs);
    watch.answered(isStanding && answers, nowMs);
    return watch.stuck(nowMs).length > 0;
  });
}

/** The same from the whole past: the time for which the work was the same and everything answered. */
function isStuckByDefinition(steps: readonly Step[], last: number): boolean {
  const { state } = steps[last]!;
  let quietMs = 0;
  for (let i = last; i > 0 && state !== undefined; i--) {
    const isQuiet = steps[i]!.answers && steps[i]!.state === state && steps[i - 1]!.state === state;
    if (!isQuiet) return false;
    if (quietMs >= LIMIT_MS) return true;
    quietMs += steps[i]!.afterMs;
  }
  return false;
}

test('work is stuck once it has stood still for the limit while everything answered', (t) => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) =>
      verdicts(steps).every((verdict, i) => verdict === isStuckByDefinition(steps, i)),
    ),
  );
  t.end();
});

test('it is never stuck while something is away, or while it makes progress', (t) => {
  const away = fc.array(step.map((one) => ({ ...one, answers: false })));
  fc.assert(fc.property(away, (steps) => !verdicts(steps).includes(true)));
  const moving = fc.array(step).map((steps) => steps.map((one, i) => ({ ...one, state: `${i}` })));
  fc.assert(fc.property(moving, (steps) => !verdicts(steps).includes(true)));
  t.end();
});

test('one thing that stands still is found among others that go on, and forgotten when it ends', (t) => {
  const watch = new ProgressWatch(LIMIT_MS);
  const look = (nowMs: number, ...work: [string, string][]) => {
    watch.answered(watch.look(new Map(work), nowMs), nowMs);
    return watch.stuck(nowMs);
  };
  const others = (nowMs: number): [string, string] => ['others', `${nowMs}`];
  for (let nowMs = 0; nowMs < 11; nowMs++)
    t.same(look(nowMs, ['one', 'a'], others(nowMs)), [], `${nowMs} ms`);
  t.same(look(11, ['one', 'a'], others(11)), ['one']);
  t.same(look(12, others(12)), []);
  t.same(look(13, ['one', 'a'], others(13)), [], 'if it begins again, so does its time');
  t.end();
});
