import { chmod, copyFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, isObtained, obtained } from './cache.ts';
import { isRoot, run } from './command.ts';
import { isPassable } from './passable.ts';
import { isNeeded, MONGO_REMEDY, PACKAGE, SUITE } from './postgres-packages.ts';
import { openSuite } from './private-apt.ts';
import { APT, obtainTools, SETPRIV, type Tool } from './tools.ts';

/** Increase this with every change to what this file puts into the cache. */
const RECIPE = 1;
const NAME = `${PACKAGE}-${RECIPE}`;
const BIN = 'usr/lib/postgresql/18/bin';

/** The tools that must be installed. */
export async function postgresTools(): Promise<Tool[]> {
  const obtaining = (await isObtained(await cacheForOthers(), NAME)) ? [] : [APT];
  // setpriv runs it as another user than root.
  return isRoot() ? [...obtaining, SETPRIV] : obtaining;
}

/**
 * Returns the folder with PostgreSQL's commands `postgres` and `initdb`. Unpacks PostgreSQL and DocumentDB from Debian
 * packages into the cache, without root and without installing anything. Rejects with StackError.
 */
export async function obtainPostgres(log: (line: string) => void = () => {}): Promise<string> {
  await obtainTools(await postgresTools(), log);
  const folder = await obtained(await cacheForOthers(), NAME, async (draft) => {
    try {
      log(`mongo: obtaining PostgreSQL with DocumentDB from Debian ${SUITE} (63 MB)`);
      await unpack(draft);
      await wrap(draft);
      await run(join(draft, BIN, 'postgres'), ['--version']);
      log('mongo: obtained PostgreSQL');
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'mongo', (error as Error).message, MONGO_REMEDY, error);
    }
  });
  return join(folder, BIN);
}

/** For root, the server runs as another user, who usually cannot enter root's home. */
async function cacheForOthers(): Promise<string> {
  return !isRoot() || (await isPassable(cacheDir())) ? cacheDir() : '/var/cache/calltally';
}

async function unpack(draft: string): Promise<void> {
  const work = join(draft, 'apt');
  const apt = await openSuite(SUITE, work);
  const names = (await apt.closure([PACKAGE])).filter(isNeeded);
  if (!names.includes(PACKAGE)) throw new Error(`Debian ${SUITE} on this mirror has no ${PACKAGE}`);
  await apt.download(names, join(work, 'debs'));
  const leaveOut = ['*/bitcode/*', './usr/share/doc/*', './usr/share/locale/*', './usr/share/man/*'];
  const extract = [
    'set -eo pipefail',
    'for deb in "$1"/*.deb; do',
    `dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$2" --keep-directory-symlink --no-same-owner ${leaveOut.map((path) => `--exclude='${path}'`).join(' ')}`,
    'done',
  ];
  await run('bash', ['-c', extract.join('\n'), 'extract', join(work, 'debs'), draft]);
  await chmod(draft, 0o755); // unpacking sets the mode of a package's root folder
  await rm(work, { recursive: true, force: true });
  // On a normal installation, a package script does this.
  const extensions = join(draft, 'usr/share/postgresql/18/extension');
  await copyFile(join(extensions, 'postgis-3.control'), join(extensions, 'postgis.control'));
}

/**
 * The programs may need a newer libc than the machine has, so a script starts them with the loader from their packages.
 * LD_LIBRARY_PATH would not work: it would also apply to the machine's own shell, which initdb calls.
 */
async function wrap(draft: string): Promise<void> {
  const triplet = (await readdir(join(draft, 'usr/lib'))).find((name) => name.endsWith('-linux-gnu'));
  if (triplet === undefined) throw new Error('the unpacked packages have no library folder');
  const libraries = join('usr/lib', triplet);
  const loader = (await readdir(join(draft, libraries))).find((name) => /^ld-linux.*\.so\.\d+$/.test(name));
  if (loader === undefined) throw new Error('the unpacked packages have no loader');
  const path = [libraries, 'usr/lib/postgresql/18/lib'].map((folder) => `$root/${folder}`).join(':');
  for (const command of ['postgres', 'initdb']) {
    const program = join(draft, BIN, command);
    await rename(program, `${program}.program`);
    const script = [
      '#!/bin/sh',
      `root=\${0%/${BIN}/${command}}`,
      `exec "$root/${libraries}/${loader}" --library-path "${path}" --argv0 "$0" "$0.program" "$@"`,
    ];
    await writeFile(program, `${script.join('\n')}\n`);
    await chmod(program, 0o755);
  }
}
