import { test } from 'tap';
import { parseOptions } from '../src/options.ts';

const parse = (...args: string[]) => parseOptions(args, ['ingest', 'memory'], ['soak']);

test('without arguments all figures are measured, in full', (t) => {
  t.strictSame(parse(), { names: [], quick: false, cpuProf: false, write: false });
  t.end();
});

test('figures and options come in any order', (t) => {
  const options = parse('--quick', 'memory', '--cpu-prof', 'ingest');
  t.strictSame(options, { names: ['memory', 'ingest'], quick: true, cpuProf: true, write: false });
  t.end();
});

test('what is not known is refused, with what there is', (t) => {
  t.throws(() => parse('read'), { message: 'there is no figure read; figures: ingest, memory, soak' });
  t.throws(() => parse('--fast'), /there is no option --fast/);
  t.end();
});

test('only a whole run in full may write the document, or that of a figure which has a table of its own', (t) => {
  t.equal(parse('--write').write, true);
  t.strictSame(parse('--write', 'soak').names, ['soak']);
  for (const more of [['--quick'], ['--cpu-prof'], ['ingest'], ['soak', 'ingest'], ['soak', '--quick']]) {
    t.throws(() => parse('--write', ...more), /--write is for a whole run or soak alone/);
  }
  t.end();
});
