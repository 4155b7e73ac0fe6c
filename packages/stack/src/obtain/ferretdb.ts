import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, isObtained, obtained } from './cache.ts';
import { goInstall } from './go.ts';
import { MONGO_REMEDY } from './postgres-packages.ts';
import { GO, obtainTool, type Tool } from './tools.ts';

const VERSION = '2.7.0';
const NAME = `ferretdb-${VERSION}`;
const COMMAND = `github.com/FerretDB/FerretDB/v2/cmd/ferretdb@v${VERSION}`;

/** The tools that must be installed. */
export async function ferretdbTools(): Promise<Tool[]> {
  return (await isObtained(cacheDir(), NAME)) ? [] : [GO];
}

/** Builds FerretDB, which speaks MongoDB's protocol, with Go. Rejects with StackError. */
export async function obtainFerretdb(log: (line: string) => void = () => {}): Promise<string> {
  const folder = await obtained(cacheDir(), NAME, async (draft) => {
    const go = await obtainTool(GO, log);
    try {
      log(`mongo: building FerretDB ${VERSION} with Go (takes one to three minutes)`);
      await goInstall('mongo', go, COMMAND, draft, log);
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'mongo', (error as Error).message, MONGO_REMEDY, error);
    }
    log('mongo: built FerretDB');
  });
  return join(folder, 'ferretdb');
}
