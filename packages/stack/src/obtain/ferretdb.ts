import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, isObtained, obtained } from './cache.ts';
import { run } from './command.ts';
import { MONGO_REMEDY } from './mongo-remedy.ts';
import { GO, obtainTool, type Tool } from './tools.ts';

const VERSION = '2.7.0';
const NAME = `ferretdb-${VERSION}`;
/** What that version's go.mod asks for. */
const GO_MINOR_MIN = 25;
const TOOLCHAIN = 'go1.25.4';

/** What has to be on the machine. */
export async function ferretdbTools(): Promise<Tool[]> {
  return (await isObtained(cacheDir(), NAME)) ? [] : [GO];
}

/** FerretDB, which speaks MongoDB's protocol, built by Go from its module. Rejects with StackError. */
export async function obtainFerretdb(log: (line: string) => void = () => {}): Promise<string> {
  const folder = await obtained(cacheDir(), NAME, async (draft) => {
    const go = await obtainTool(GO, log);
    try {
      await build(go, draft, log);
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'mongo', (error as Error).message, MONGO_REMEDY, error);
    }
    log('mongo: built FerretDB');
  });
  return join(folder, 'ferretdb');
}

async function build(found: string, draft: string, log: (line: string) => void): Promise<void> {
  // No C compiler is needed, and no folder of the machine but the caches of Go.
  const env = { GOBIN: draft, GOOS: '', GOARCH: '', CGO_ENABLED: '0', TMPDIR: draft };
  const inDraft = { cwd: draft, env };
  const go = await newEnough(found, inDraft, log);
  log(`mongo: building FerretDB ${VERSION} with Go, one to three minutes`);
  await run(go, ['install', `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@v${VERSION}`], inDraft);
}

/**
 * Debian's Go is older than FerretDB asks for, and too old to fetch a newer one by itself, or told not to; it fetches
 * one as the module that newer ones are published as, checked as every module is.
 */
async function newEnough(
  go: string,
  options: { cwd: string; env: Record<string, string> },
  log: (line: string) => void,
): Promise<string> {
  const said = await run(go, ['version'], options);
  const [, minor, system, machine] = /go1\.(\d+)\S* (\w+)\/(\w+)/.exec(said) ?? [];
  if (Number(minor) >= GO_MINOR_MIN) return go;
  log(`mongo: fetching ${TOOLCHAIN}, since this machine has Go 1.${minor} (70 MB)`);
  const module = `golang.org/toolchain@v0.0.1-${TOOLCHAIN}.${system}-${machine}`;
  const { Dir: folder } = JSON.parse(await run(go, ['mod', 'download', '-json', module], options));
  // A module holds no modes.
  for (const programs of ['bin', `pkg/tool/${system}_${machine}`]) {
    for (const name of await readdir(join(folder, programs)))
      await chmod(join(folder, programs, name), 0o755);
  }
  return join(folder, 'bin', 'go');
}
