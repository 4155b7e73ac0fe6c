import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';

/** Downloaded if the machine's Go is older than the built modules require. */
const TOOLCHAIN = { minor: 25, name: 'go1.25.4' };

/** Builds a command from its module, `PATH@VERSION`, into the folder `draft`. Each log line starts with `engine`. */
export async function goInstall(
  engine: string,
  found: string,
  command: string,
  draft: string,
  log: (line: string) => void,
): Promise<void> {
  // Needs no C compiler, and writes only to `draft` and Go's caches.
  const env = { GOBIN: draft, GOOS: '', GOARCH: '', CGO_ENABLED: '0', TMPDIR: draft };
  const inDraft = { cwd: draft, env };
  const go = await newEnough(engine, found, inDraft, log);
  await run(go, ['install', command], inDraft);
}

/**
 * Returns a Go that is new enough. Debian's Go is often older than we need, and may be unable or configured not to
 * download a newer toolchain itself. Newer toolchains are also published as a module, which any Go can download and
 * verify.
 */
async function newEnough(
  engine: string,
  go: string,
  options: { cwd: string; env: Record<string, string> },
  log: (line: string) => void,
): Promise<string> {
  const said = await run(go, ['version'], options);
  const [, minor, system, machine] = /go1\.(\d+)\S* (\w+)\/(\w+)/.exec(said) ?? [];
  if (Number(minor) >= TOOLCHAIN.minor) return go;
  log(`${engine}: fetching ${TOOLCHAIN.name}, since this machine has Go 1.${minor} (70 MB)`);
  const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN.name}.${system}-${machine}`;
  const { Dir: folder } = JSON.parse(await run(go, ['mod', 'download', '-json', module], options));
  // A module does not keep file modes, so the programs are not executable yet.
  for (const programs of ['bin', `pkg/tool/${system}_${machine}`]) {
    for (const name of await readdir(join(folder, programs)))
      await chmod(join(folder, programs, name), 0o755);
  }
  return join(folder, 'bin', 'go');
}
