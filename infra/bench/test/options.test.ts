import { test } from 'tap';
import { parseOptions } from '../src/options.ts';

const KNOWN = ['ingest', 'memory'];

test('without arguments all figures are measured, in full', (t) => {
  t.strictSame(parseOptions([], KNOWN), { names: [], quick: false, cpuProf: false, write: false });
  t.end();
});

test('figures and options come in any order', (t) => {
  const options = parseOptions(['--quick', 'memory', '--cpu-prof', 'ingest'], KNOWN);
  t.strictSame(options, { names: ['memory', 'ingest'], quick: true, cpuProf: true, write: false });
  t.end();
});

test('what is not known is refused, with what there is', (t) => {
  t.throws(() => parseOptions(['read'], KNOWN), {
    message: 'there is no figure read; figures: ingest, memory',
  });
  t.throws(() => parseOptions(['--fast'], KNOWN), /there is no option --fast/);
  t.end();
});

test('only a whole run in full may write the document', (t) => {
  t.equal(parseOptions(['--write'], KNOWN).write, true);
  for (const more of ['--quick', '--cpu-prof', 'ingest']) {
    t.throws(() => parseOptions(['--write', more], KNOWN), /--write is for a whole run/);
  }
  t.end();
});
