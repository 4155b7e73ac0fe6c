import { test } from 'tap';
import { announcement } from '../src/stack-file.ts';

const api = 'http://127.0.0.1:3000';
const KEY = `ct_${'k'.repeat(43)}`;

test('the first address opens the page with the demo key after a #, which no server receives', async (t) => {
  const lines = announcement({ api, demo: { user_id: 'demo', api_key: KEY } });
  const [first = ''] = lines.join('\n').match(/https?:\S+/g) ?? [];
  t.equal(first, `${api}/#demo=${KEY}`);
  t.equal(new URL(first).hash, `#demo=${KEY}`);
  t.match(lines.join('\n'), `curl -s -H 'Authorization: Bearer ${KEY}' ${api}/analytics/dashboard`);
});

test('without a demo, it opens the page without a key and shows how to create one', async (t) => {
  const text = announcement({ api, demo: null }).join('\n');
  t.equal(text.match(/https?:\S+/g)?.[0], `${api}/`);
  t.match(text, 'npx calltally keys create --user me');
  t.notMatch(text, 'demo');
});
