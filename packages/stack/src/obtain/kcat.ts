import { StackError } from '../errors.ts';
import { which } from './command.ts';
import { canInstall, installPackage } from './debian.ts';

const REMEDY = 'install kcat (Debian: apt-get install kcat)';

/**
 * The command `kcat`, a producer over librdkafka, for tests that need another client than ours; installed from
 * Debian where root may. Rejects with StackError.
 */
export async function obtainKcat(log: (line: string) => void = () => {}): Promise<string> {
  const found = await which('kcat', 'kafkacat');
  if (found !== undefined) return found;
  if (!(await canInstall())) throw new StackError('STACK_UNAVAILABLE', 'kcat', 'it is not on PATH', REMEDY);
  log('kcat: installing the Debian package kcat');
  try {
    await installPackage('kcat');
  } catch (error) {
    throw new StackError('STACK_UNAVAILABLE', 'kcat', (error as Error).message, REMEDY, error);
  }
  const installed = await which('kcat');
  if (installed !== undefined) return installed;
  throw new StackError('STACK_UNAVAILABLE', 'kcat', 'it was installed but is not on PATH', REMEDY);
}
