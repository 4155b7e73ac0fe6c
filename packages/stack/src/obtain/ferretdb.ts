import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { run, which } from './command.ts';
import { MONGO_REMEDY } from './mongo-remedy.ts';

const VERSION = '2.7.0';

/** FerretDB, which speaks MongoDB's protocol, built by Go from its module. Rejects with StackError. */
export async function obtainFerretdb(log: (line: string) => void = () => {}): Promise<string> {
  const folder = await obtained(cacheDir(), `ferretdb-${VERSION}`, async (draft) => {
    const go = await which('go');
    if (go === undefined) {
      throw new StackError('STACK_UNAVAILABLE', 'mongo', 'neither mongod nor go is on PATH', MONGO_REMEDY);
    }
    log(`mongo: building FerretDB ${VERSION} with Go, one to three minutes`);
    try {
      const env = { GOBIN: draft, GOOS: '', GOARCH: '' };
      await run(go, ['install', `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@v${VERSION}`], {
        env,
        cwd: draft,
      });
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'mongo', (error as Error).message, MONGO_REMEDY, error);
    }
    log('mongo: built FerretDB');
  });
  return join(folder, 'ferretdb');
}
