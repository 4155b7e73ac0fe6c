import { execFileSync } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'tap';
import { changedFiles, NoBase } from '../../setup/changed-files.mjs';
import { folder } from '../support.ts';

test('lists files changed since the branch started, committed or not, and deleted files', async (t) => {
  const root = await folder(t);
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.com', ...args], {
      cwd: root,
      stdio: 'pipe',
    });
  const write = (name: string, text: string) => writeFile(join(root, name), text);
  git('init', '--initial-branch=main');
  for (const name of ['kept', 'edited', 'gone', 'committed', 'of main']) await write(name, 'first\n');
  await write('.gitignore', 'ignored\n');
  git('add', '.');
  git('commit', '--message=first');
  git('switch', '--create=branch');
  await write('committed', 'second\n');
  git('commit', '--all', '--message=second');
  git('switch', 'main');
  await write('of main', 'second\n');
  git('commit', '--all', '--message=on main');
  git('switch', 'branch');
  await write('edited', 'second\n');
  await rm(join(root, 'gone'));
  for (const name of ['new', 'ignored']) await write(name, 'first\n');

  const all = ['committed', 'edited', 'gone', 'new'];
  const { changed, gone } = changedFiles(root);
  t.same(changed.sort(), all, 'compared with main by default');
  t.same(gone, ['gone']);
  t.same(changedFiles(root, 'HEAD').changed.sort(), ['edited', 'gone', 'new']);
  t.throws(
    () => changedFiles(root, 'nowhere'),
    new NoBase('there is no nowhere here that this branch has a commit in common with'),
  );
});
