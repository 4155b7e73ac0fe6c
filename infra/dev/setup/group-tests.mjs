import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Puts the tests of each folder into files that import them: they share a process, whose start takes longer than most
 * of them.
 *
 * @param {string} root
 * @param {string[]} tests paths from the root
 * @param {{folderOf?: (test: string) => string, sizeMax?: number}} options a group's folder (the package if not given),
 *   and the most tests it has
 * @returns {string[]} paths of the files, from the root
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
