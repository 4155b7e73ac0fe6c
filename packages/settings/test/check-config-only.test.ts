import { test } from 'tap';
import { checkConfigOnly } from '../src/index.ts';

test('--check-config is seen wherever it stands', (t) => {
  t.ok(checkConfigOnly(['node', 'main.js', '--check-config']));
  t.notOk(checkConfigOnly(['node', 'main.js']));
  t.end();
});
