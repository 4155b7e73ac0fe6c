import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { ERRORS } from '../src/intake-error.ts';

test('docs/intake.md lists exactly the error codes, with their statuses', (t) => {
  const page = readFileSync(new URL('../../../docs/intake.md', import.meta.url), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z_]+)` \| (\d{3}) \|/gm)].map(([, code, status]) => [
    code,
    Number(status),
  ]);
  t.same(
    documented.sort(),
    Object.entries(ERRORS)
      .map(([code, { status }]) => [code, status])
      .sort(),
  );
  t.end();
});
