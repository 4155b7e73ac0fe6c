import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/**
 * Puts the tests of each package into one file, so that they share a process: to start one for each takes several times
 * as long as the tests do.
 *
 * @param {string} root @param {string[]} tests paths from the root
 * @returns {string[]} paths of these files, from the root
 */
export function groupTests(root, tests) {
  const folder = join('.calltally', 'unit');
  rmSync(join(root, folder), { recursive: true, force: true });
  mkdirSync(join(root, folder), { recursive: true });
  /** @type {Map<string, string[]>} */
  const groups = new Map();
  for (const test of tests) {
    const name = test.split('/').slice(0, 2).join('-');
    groups.set(name, [...(groups.get(name) ?? []), test]);
  }
  return [...groups].map(([name, members]) => {
    const file = join(folder, `${name}.test.ts`);
    const imports = members.map((test) => `import ${JSON.stringify(relative(folder, test))};\n`);
    writeFileSync(join(root, file), imports.join(''));
    return file;
  });
}
