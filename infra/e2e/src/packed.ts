import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Test } from '@calltally/stack/testing';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const E2E = join(ROOT, 'infra/e2e');

/** The strictest settings that users compile with. Declarations of libraries are checked, too. */
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitOverride: true,
  verbatimModuleSyntax: true,
  isolatedModules: true,
  skipLibCheck: false,
  target: 'ES2022',
  outDir: 'out',
};
/** How a project for Node compiles, and one for browsers with a bundler. */
const SETTINGS = {
  node: {
    module: 'NodeNext',
    lib: ['ES2022'],
    types: ['node'],
    typeRoots: [join(ROOT, 'node_modules/@types')],
  },
  browser: {
    module: 'ESNext',
    moduleResolution: 'Bundler',
    lib: ['ES2022', 'DOM', 'DOM.Iterable'],
    types: [],
  },
};

interface Packing {
  filename: string;
  size: number;
  files: { path: string }[];
}

/** A package as its users get it: packed by npm, and installed from the tarball into an empty project. */
export class PackedProject {
  /** Paths in the tarball. */
  readonly files: readonly string[];
  /** The size of the tarball. */
  readonly bytes: number;
  /** The installed `package.json`. */
  readonly manifest: Record<string, unknown>;
  readonly #folder: string;
  readonly #tarball: string;

  private constructor(folder: string, packing: Packing, manifest: Record<string, unknown>) {
    this.#folder = folder;
    this.#tarball = join(folder, 'tarballs', packing.filename);
    this.files = packing.files.map(({ path }) => path);
    this.bytes = packing.size;
    this.manifest = manifest;
  }

  /**
   * Packs `packages/<name>` from its build. The packages that it depends on are packed from `node_modules`, so that no
   * registry is asked. The project is removed when `t` ends.
   */
  static async of(t: Test, name: string): Promise<PackedProject> {
    const folder = await mkdtemp(join(tmpdir(), 'calltally-packed-'));
    t.teardown(() => rm(folder, { recursive: true, force: true }));
    const tarballs = join(folder, 'tarballs');
    await mkdir(tarballs);
    const source = join(ROOT, 'packages', name);
    const packing = await pack(source, tarballs);
    await packDependencies(source, tarballs);
    await writeFile(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
    const all = (await readdir(tarballs)).map((file) => `./tarballs/${file}`);
    await run('npm', ['install', '--offline', '--ignore-scripts', '--no-audit', '--no-fund', ...all], folder);
    const installed = join(folder, 'node_modules/@calltally', name, 'package.json');
    return new PackedProject(folder, packing, JSON.parse(await readFile(installed, 'utf8')));
  }

  /** Compiles a program of a user under strict settings. Rejects with the compiler's output. */
  async compile(source: string, kind: keyof typeof SETTINGS): Promise<void> {
    const compilerOptions = { ...STRICT, ...SETTINGS[kind] };
    await writeFile(join(this.#folder, 'main.ts'), source);
    await writeFile(
      join(this.#folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, files: ['main.ts'] }),
    );
    await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc')], this.#folder);
  }

  /** Runs what was compiled last, with only `env` and PATH in the environment. @returns its output */
  async run(env: Record<string, string> = {}): Promise<string> {
    return run(process.execPath, ['out/main.js'], this.#folder, { PATH: process.env.PATH, ...env });
  }

  /** What publint finds. It rejects with its output if it finds anything. */
  async publint(): Promise<void> {
    await run(process.execPath, [await bin('publint', 'publint'), this.#tarball, '--strict'], this.#folder);
  }

  /** Whether types resolve, for packages that are only ESM. Rejects with the output of attw if not. */
  async attw(): Promise<void> {
    const attw = await bin('@arethetypeswrong/cli', 'attw');
    await run(process.execPath, [attw, this.#tarball, '--profile', 'esm-only', '--no-emoji'], this.#folder);
  }
}

async function pack(source: string, into: string): Promise<Packing> {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', into];
  return JSON.parse(await run('npm', args, source))[0];
}

/** Packs what `source` depends on, with what that depends on. */
async function packDependencies(source: string, into: string, seen = new Set<string>()): Promise<void> {
  const { dependencies = {} } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) {
    const folder = await realpath(await folderOf(name, source));
    if (seen.has(folder)) continue;
    seen.add(folder);
    await pack(folder, into);
    await packDependencies(folder, into, seen);
  }
}

/** Where a dependency is: in a package's own folder, or beside it in the store of pnpm. */
async function folderOf(name: string, source: string): Promise<string> {
  const own = join(source, 'node_modules', name);
  return (
    (await realpath(own).catch(() => undefined)) ?? join(source.replace(/(.*\/node_modules\/).*/, '$1'), name)
  );
}

async function bin(name: string, command: string): Promise<string> {
  const folder = join(E2E, 'node_modules', name);
  const { bin } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
  return join(folder, typeof bin === 'string' ? bin : bin[command]);
}

/** @returns stdout. Rejects with all output if the command fails. */
async function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env?: NodeJS.ProcessEnv,
): Promise<string> {
  const done = promisify(execFile)(command, args, { cwd, ...(env && { env }) });
  const { stdout } = await done.catch(({ message, stdout, stderr }) => {
    throw new Error(`${message}\n${stdout}${stderr}`);
  });
  return stdout;
}
