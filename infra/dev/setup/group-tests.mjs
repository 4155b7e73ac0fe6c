import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Writes files that each import several tests of one folder. These share a process then, because starting a process
 * takes longer than most tests.
 *
 * @param {string} root
 * @param {string[]} tests paths relative to the root
 * @param {{folderOf?: (test: string) => string, sizeMax?: number}} options `folderOf` gives the folder to group by
 *   (default: the package), `sizeMax` the most tests in a group
 * @returns {string[]} paths of the files, relative to the root
 */
export function groupTests(root, tests, { folderOf = packageOf, sizeMax = Number.POSITIVE_INFINITY } = {}) {
  const folder = join('.calltally', 'groups');
  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  /** @type {Map<string, string[][]>} */
  const groups = new Map();
  for (const test of tests) {
    const parts = groups.get(folderOf(test)) ?? [];
    const last = parts.at(-1);
    if (last === undefined || last.length >= sizeMax) parts.push([test]);
    else last.push(test);
    groups.set(folderOf(test), parts);
  }
  return [...groups].flatMap(([name, parts]) =>
    parts.map((members, i) => {
      const file = join(folder, `${name.replaceAll('/', '-')}${i === 0 ? '' : `-${i + 1}`}.test.ts`);
      const imports = members.map((test) => `import ${JSON.stringify(relative(folder, test))};\n`);
      writeFileSync(join(root, file), imports.join(''));
      return file;
    }),
  );
}

/** @param {string} test */
function packageOf(test) {
  return test.split('/').slice(0, 2).join('/');
}
