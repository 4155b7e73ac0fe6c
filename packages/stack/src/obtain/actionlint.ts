import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { which } from './command.ts';
import { goInstall } from './go.ts';
import { GO, obtainTool, type Tool } from './tools.ts';

const VERSION = '1.7.12';
const COMMAND = `github.com/rhysd/actionlint/cmd/actionlint@v${VERSION}`;
const REMEDY = 'install actionlint, or Go (Debian: apt-get install golang-go ca-certificates)';
const { packages } = GO;
const TOOL: Tool = { engine: 'actionlint', name: 'actionlint or Go', commands: ['go'], packages };

/** actionlint checks GitHub workflows. Takes it from PATH, otherwise builds it with Go. Rejects with StackError. */
export async function obtainActionlint(log: (line: string) => void = () => {}): Promise<string> {
  const found = await which('actionlint');
  if (found !== undefined) return found;
  const folder = await obtained(cacheDir(), `actionlint-${VERSION}`, async (draft) => {
    const go = await obtainTool(TOOL, log);
    log(`actionlint: building ${VERSION} with Go`);
    try {
      await goInstall('actionlint', go, COMMAND, draft, log);
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', 'actionlint', (error as Error).message, REMEDY, error);
    }
  });
  return join(folder, 'actionlint');
}
