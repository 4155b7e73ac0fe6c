import { join } from 'node:path';
import { StackError } from '../errors.ts';
import { cacheDir, obtained } from './cache.ts';
import { which } from './command.ts';
import { goInstall } from './go.ts';
import { GO, obtainTool, type Tool } from './tools.ts';

/** A command that Go can build from its module. */
interface GoCommand {
  name: 'actionlint' | 'helm';
  /** Of the module that is built; the one on PATH may have another. */
  version: string;
  path: string;
}

const ACTIONLINT: GoCommand = {
  name: 'actionlint',
  version: '1.7.12',
  path: 'github.com/rhysd/actionlint/cmd/actionlint',
};
const HELM: GoCommand = { name: 'helm', version: '4.3.2', path: 'helm.sh/helm/v4/cmd/helm' };

type Log = (line: string) => void;

/** actionlint checks GitHub workflows. Takes it from PATH, otherwise builds it with Go. Rejects with StackError. */
export const obtainActionlint = (log?: Log) => obtainGoCommand(ACTIONLINT, log);

/** Helm renders charts. Takes it from PATH, otherwise builds it with Go. Rejects with StackError. */
export const obtainHelm = (log?: Log) => obtainGoCommand(HELM, log);

async function obtainGoCommand({ name, version, path }: GoCommand, log: Log = () => {}): Promise<string> {
  const found = await which(name);
  if (found !== undefined) return found;
  const remedy = `install ${name}, or Go (Debian: apt-get install golang-go ca-certificates)`;
  const tool: Tool = { engine: name, name: `${name} or Go`, commands: ['go'], packages: GO.packages };
  const folder = await obtained(cacheDir(), `${name}-${version}`, async (draft) => {
    const go = await obtainTool(tool, log);
    log(`${name}: building ${version} with Go`);
    try {
      await goInstall(name, go, `${path}@v${version}`, draft, log);
    } catch (error) {
      throw new StackError('STACK_UNAVAILABLE', name, (error as Error).message, remedy, error);
    }
  });
  return join(folder, name);
}
