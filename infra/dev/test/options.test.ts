import { test } from 'tap';
import { parseOptions } from '../src/options.ts';

test('demo data unless it is declined; nothing else is let through', async (t) => {
  t.strictSame(parseOptions([]), { demo: true });
  t.strictSame(parseOptions(['--no-demo']), { demo: false });
  t.throws(() => parseOptions(['--no-demos']), { code: 'DEV_USAGE', message: '--no-demos' });
});
