import { test } from 'tap';
import { parseOptions } from '../src/options.ts';

test('the demo is on unless --no-demo is given, and other arguments are refused', async (t) => {
  t.strictSame(parseOptions([]), { demo: true });
  t.strictSame(parseOptions(['--no-demo']), { demo: false });
  t.throws(() => parseOptions(['--no-demos']), { code: 'DEV_USAGE', message: '--no-demos' });
});
