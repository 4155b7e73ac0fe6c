import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { obtainActionlint } from '@calltally/stack/testing';
import { test } from 'tap';

const WORKFLOWS = fileURLToPath(new URL('../../../.github/workflows/', import.meta.url));

/** What actionlint reports, without its checks by other tools, which a machine may lack. */
async function objections(actionlint: string, files: string[]): Promise<string> {
  const args = ['-no-color', '-oneline', '-shellcheck=', '-pyflakes=', ...files];
  return promisify(execFile)(actionlint, args).then(
    () => '',
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  );
}

test('actionlint reports nothing', async (t) => {
  const actionlint = await obtainActionlint((line) => t.comment(line));
  const names = await readdir(WORKFLOWS);
  t.ok(names.length > 0);
  t.equal(
    await objections(
      actionlint,
      names.map((name) => join(WORKFLOWS, name)),
    ),
    '',
  );

  const folder = await mkdtemp(join(tmpdir(), 'calltally-actionlint-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const wrong = join(folder, 'wrong.yml');
  await writeFile(
    wrong,
    'on: push\njobs: { a: { runs-on: ubuntu-24.04, steps: [{ run: echo, if: matrix.nod }] } }\n',
  );
  t.match(await objections(actionlint, [wrong]), 'property "nod" is not defined', 'and it would say so');
});
