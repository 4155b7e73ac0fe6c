import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { clientTypes } from '../../src/client/client-types.ts';

test("the client's types are those of the API's document", async (t) => {
  const types = readFileSync(new URL('../../../../packages/client/src/openapi.ts', import.meta.url), 'utf8');
  t.equal(types, await clientTypes(), 'if not, run "npm --prefix packages/client run types"');
});
