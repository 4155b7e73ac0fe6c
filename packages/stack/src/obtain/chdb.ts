import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { run, which } from './command.ts';

const VERSION = '4.4.0';
/** Without pandas and pyarrow, which only other formats of its answers need. */
const PACKAGES = [`chdb==${VERSION}`, 'chdb-core==26.9.0'];
const REMEDY =
  'install Python 3.9 or newer with pip (Debian: apt-get install python3-pip) and let it reach PyPI or a mirror';

export interface Chdb {
  /** The command that runs it. */
  python: string;
  /** Folder to be put on Python's path. */
  packages: string;
}

/** ClickHouse's engine as a package of Python, to compare with; from PyPI, once. Rejects with StackError. */
export async function obtainChdb(log: (line: string) => void = () => {}): Promise<Chdb> {
  const python = await which('python3');
  if (python === undefined) {
    throw new StackError('STACK_UNAVAILABLE', 'chdb', 'python3 is not on PATH', REMEDY);
  }
  const packages = await obtained(cacheDir(), `chdb-${VERSION}`, async (draft) => {
    log(`chdb: fetching ${PACKAGES.join(' and ')}, 180 MB`);
    const options = ['--no-deps', '--only-binary', ':all:', '--no-compile', '--no-input', '--target', draft];
    try {
      await run(python, ['-m', 'pip', 'install', ...options, ...PACKAGES]);
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'chdb', (error as Error).message, REMEDY, error);
    }
  });
  return { python, packages };
}
