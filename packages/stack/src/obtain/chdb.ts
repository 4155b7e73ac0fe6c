import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { run } from './command.ts';
import { obtainTool, type Tool } from './tools.ts';

/** The package has the number of the ClickHouse in it. */
const VERSION = '26.9.0';
const PYTHON: Tool = {
  engine: 'clickhouse',
  name: 'Python 3.9 or newer with pip',
  commands: ['python3'],
  packages: ['python3', 'python3-pip'],
};
const REMEDY = 'install Python 3.9 or newer with pip (Debian: apt-get install python3-pip)';

/**
 * ClickHouse as a module of Python: registries have no current server. Rejects with StackError.
 * @returns the interpreter, and the folder to put on PYTHONPATH
 */
export async function obtainChdb(
  log: (line: string) => void = () => {},
): Promise<{ python: string; modules: string }> {
  const python = await obtainTool(PYTHON, log);
  const modules = await obtained(cacheDir(), `chdb-${VERSION}`, async (draft) => {
    log(`clickhouse: fetching chDB ${VERSION}, 180 MB`);
    // What else it depends on is for tables of pandas.
    const args = ['-m', 'pip', 'install', '--quiet', '--no-deps', '--target', draft, `chdb-core==${VERSION}`];
    await run(python, args).catch((error: Error) => {
      throw new StackError('STACK_UNAVAILABLE', 'clickhouse', error.message, REMEDY, error);
    });
  });
  return { python, modules };
}
