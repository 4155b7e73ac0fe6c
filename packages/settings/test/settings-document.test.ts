import { readFileSync } from 'node:fs';
import { test } from 'tap';

import { chartVariables, describeSettings, settingsDocument } from '../src/settings-document.ts';

test('docs/settings.md agrees with the schemas', (t) => {
  const written = readFileSync(new URL('../../../docs/settings.md', import.meta.url), 'utf8');
  t.equal(written, settingsDocument(), 'pnpm --filter @calltally/settings run docs');
  t.end();
});

test('the list of variables in the Helm chart agrees with them', (t) => {
  const written = readFileSync(
    new URL('../../../infra/kubernetes/files/variables.yaml', import.meta.url),
    'utf8',
  );
  t.equal(written, chartVariables(), 'pnpm --filter @calltally/settings run docs');
  t.match(written, /secret:\n(.*\n)* {2}- REDIS_PASSWORD\n/);
  t.notMatch(written, /secret:\n(.*\n)* {2}- (KAFKA_SSL_CA|LOG_LEVEL)\n/);
  t.end();
});

test('every variable is described once, and read by a process', (t) => {
  const rows = describeSettings();
  t.equal(new Set(rows.map(({ variable }) => variable)).size, rows.length);
  for (const { variable, meaning, readBy } of rows) t.ok(meaning !== '' && readBy.length > 0, variable);
  t.end();
});
