import fc from 'fast-check';
import { test } from 'tap';
import { createDigest } from '../../setup/digest.mjs';

const TAP = `TAP version 14
# Subtest: a.test.ts
    # Subtest: inner
        ok 1 - fine
        1..1
    ok 1 - inner # time=1ms
    1..1
    # time=2ms
ok 1 - a.test.ts # time=1234.5ms

# Subtest: b.test.ts
    not ok 1 - wrong
      ---
      why: because
      ...
    1..1
not ok 2 - b.test.ts # time=10ms
  ---
  exitCode: 1
  ...

# Subtest: c.test.ts
    ok 1 - fine
    1..1
ok 3 - c.test.ts # time=100ms

1..3
# { total: 3, pass: 2, fail: 1 }
# time=5ms
`;

function digest(chunks: string[]) {
  const said: string[] = [];
  const made = createDigest((line: string) => said.push(line));
  for (const chunk of chunks) made.write(chunk);
  return { said, sums: made.end() };
}

test('prints a line for each file, all output of a file that fails, and the totals', async (t) => {
  const { said, sums } = digest([TAP]);
  t.strictSame(said, [
    'ok  a.test.ts  1.2 s',
    '# Subtest: b.test.ts',
    '    not ok 1 - wrong',
    '      ---',
    '      why: because',
    '      ...',
    '    1..1',
    'FAILED  b.test.ts  0.0 s',
    '  ---',
    '  exitCode: 1',
    '  ...',
    'ok  c.test.ts  0.1 s',
    '# { total: 3, pass: 2, fail: 1 }',
  ]);
  t.strictSame(sums, { passed: 2, failed: 1 });
});

test('prints the same however its input is split', async () => {
  const whole = JSON.stringify(digest([TAP]));
  await fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 60 }), (cuts) => {
      const chunks: string[] = [];
      let from = 0;
      for (const cut of cuts) {
        chunks.push(TAP.slice(from, from + cut));
        from += cut;
      }
      return JSON.stringify(digest([...chunks, TAP.slice(from)])) === whole;
    }),
  );
});

test('shows the output of tests that end without totals', async (t) => {
  const { said, sums } = digest(['TAP version 14\n# Subtest: a.test.ts\n    ok 1 - cut o']);
  t.equal(sums, undefined);
  t.match(said.join('\n'), 'cut o');
});
