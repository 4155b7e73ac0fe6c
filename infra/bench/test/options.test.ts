import { test } from 'tap';
import { parseOptions } from '../src/options.ts';

const parse = (...args: string[]) => parseOptions(args, ['ingest', 'memory'], ['soak']);

test('without arguments, all figures are measured in full', (t) => {
  t.strictSame(parse(), { names: [], quick: false, cpuProf: false, write: false });
  t.end();
});

test('figures and options may have any order', (t) => {
  const options = parse('--quick', 'memory', '--cpu-prof', 'ingest');
  t.strictSame(options, { names: ['memory', 'ingest'], quick: true, cpuProf: true, write: false });
  t.end();
});

test('unknown arguments are refused, with the known ones', (t) => {
  t.throws(() => parse('read'), { message: 'there is no figure read; figures: ingest, memory, soak' });
  t.throws(() => parse('--fast'), /there is no option --fast/);
  t.end();
});

test('only a full run of whole tables may write the document', (t) => {
  t.equal(parse('--write').write, true);
  t.strictSame(parse('--write', 'soak').names, ['soak']);
  t.strictSame(parse('--write', 'all').names, ['ingest', 'memory', 'soak']);
  for (const more of [['ingest'], ['soak', 'ingest'], ['ingest', 'memory', 'soak']]) {
    t.throws(() => parse('--write', ...more), /--write is for a run without names, for all, or for soak:/);
  }
  for (const more of [['--quick'], ['--cpu-prof'], ['soak', '--quick'], ['all', '--quick']]) {
    t.throws(() => parse('--write', ...more), /--write is for a run that proves something/);
  }
  t.end();
});
