import { test } from 'tap';
import { ROOT } from '../../src/bench.ts';
import { costs } from '../../src/profiles/costs.ts';
import { folded } from '../../src/profiles/flame-graph.ts';
import { type CpuProfile, stacksIn } from '../../src/profiles/stacks.ts';

const node = (id: number, functionName: string, url = '', children: number[] = []) => ({
  id,
  callFrame: { functionName, url, lineNumber: 9 },
  children,
});

/** 60 ms of writing for an npm package that our API calls, 30 ms of the API itself, 10 ms of garbage; idle for 900. */
const PROFILE: CpuProfile = {
  nodes: [
    node(1, '(root)', '', [2, 3, 4]),
    node(2, '(idle)'),
    node(3, '(garbage collector)'),
    node(4, 'handle', `file://${ROOT}services/api/dist/app.js`, [5]),
    node(5, 'send', `file://${ROOT}node_modules/.pnpm/@a+b@1/node_modules/@a/b/lib/reply.js`, [6]),
    node(6, 'write', 'node:net', [7]),
    node(7, 'writev'),
  ],
  samples: [2, 7, 4, 7, 3],
  timeDeltas: [900_000, 40_000, 30_000, 20_000, 10_000],
};
const OWNERS = ['garbage collection', 'services/api', '@a/b', 'node', 'native'];

test('stacks have the time of their innermost function, and what was idle is none', (t) => {
  const stacks = stacksIn(PROFILE).map(({ frames, selfUs }) => [
    frames.map(({ owner }) => OWNERS.indexOf(owner)).join(''),
    selfUs,
  ]);
  t.strictSame(stacks.sort(), [
    ['0', 10_000],
    ['1', 30_000],
    ['1234', 60_000],
  ]);
  t.end();
});

test('they are written as flamegraph.pl reads them', (t) => {
  const lines = folded(stacksIn(PROFILE)).trimEnd().split('\n').sort();
  t.strictSame(lines, [
    '(garbage collector) (garbage collection) 10000',
    'handle app.js:10 (services/api) 30000',
    'handle app.js:10 (services/api);send reply.js:10 (@a/b);write node:net:10 (node);writev (native) 60000',
  ]);
  t.end();
});

test('a package is charged with what Node did for it, and its total is what lies below it', (t) => {
  const said = costs('api', stacksIn(PROFILE));
  const row = (first: string) =>
    said
      .split('\n')
      .find((line) => line.startsWith(`| ${first} `))
      ?.split('|')
      .map((cell) => cell.trim())
      .slice(2, -1);
  t.match(said, /^# api: 0\.1 s of processor time/);
  t.strictSame(row('@a/b'), ['0.0 %', '60.0 %', '60.0 %']);
  t.strictSame(row('services/api'), ['30.0 %', '30.0 %', '90.0 %']);
  t.strictSame(row('writev'), ['native', '60.0 %', '60.0 %']);
  t.end();
});
