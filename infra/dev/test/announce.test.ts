import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { checkCallEvent } from '@calltally/contract';
import { test } from 'tap';
import { announcement } from '../src/stack-file.ts';
import { folder } from './support.ts';

const api = 'http://127.0.0.1:3000';
const intake = 'http://127.0.0.1:3002';
const KEY = `ct_${'k'.repeat(43)}`;
const WRITE_KEY = `ct_${'w'.repeat(43)}`;

test('the first address opens the page with the demo key after a #, which no server receives', async (t) => {
  const lines = announcement({ api, intake, demo: { user_id: 'demo', api_key: KEY, write_key: WRITE_KEY } });
  const [first = ''] = lines.join('\n').match(/https?:\S+/g) ?? [];
  t.equal(first, `${api}/#demo=${KEY}`);
  t.equal(new URL(first).hash, `#demo=${KEY}`);
  t.match(
    lines.join('\n'),
    `curl -s -H 'Authorization: Bearer ${KEY}' '${api}/analytics/dashboard?period=30d'`,
  );
});

test('without a demo, it opens the page without a key and shows how to create one', async (t) => {
  const text = announcement({ api, intake, demo: null }).join('\n');
  t.equal(text.match(/https?:\S+/g)?.[0], `${api}/`);
  t.match(text, 'npx calltally keys create --user me');
  t.notMatch(text, 'demo');
});

test('a shell makes of the line that sends a call a valid event of now, a new one each second', async (t) => {
  const demo = { user_id: 'demo', api_key: KEY, write_key: WRITE_KEY };
  const line = announcement({ api, intake, demo }).find((one) => one.includes('-d '));
  const bin = await folder(t);
  writeFileSync(join(bin, 'curl'), '#!/bin/sh\nfor one in "$@"; do printf "%s\\n" "$one"; done\n');
  chmodSync(join(bin, 'curl'), 0o755);
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const said = spawnSync('/bin/sh', ['-c', line ?? ''], { env, encoding: 'utf8' })
    .stdout.trim()
    .split('\n');
  t.equal(said.at(-1), `${intake}/calls`);
  t.ok(said.includes(`Authorization: Bearer ${WRITE_KEY}`));
  const event = JSON.parse(said[said.indexOf('-d') + 1] ?? '');
  t.match(checkCallEvent(event, Date.now()).call, { userId: 'demo', durationMs: 90_000 });
  t.match(event.call_id, /^mine-\d{10}$/);
});
