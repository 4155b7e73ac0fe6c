import { StackError } from '../errors.ts';
import { run, which } from './command.ts';
import { canInstall, installPackage } from './debian.ts';

const COMMANDS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
/** The oldest that draws what the page is written in. */
const MAJOR_MIN = 123;
const REMEDY = `install Chromium ${MAJOR_MIN} or newer (Debian: apt-get install chromium)`;

/**
 * The command of Chromium or Chrome, for tests of the page; installed from Debian where root may. Rejects with
 * StackError.
 */
export async function obtainChromium(log: (line: string) => void = () => {}): Promise<string> {
  const command = (await which(...COMMANDS)) ?? (await install(log));
  const said = await run(command, ['--version']).catch((error) => {
    // A stand-in that only says where to get it, for one.
    throw new StackError('STACK_UNAVAILABLE', 'chromium', (error as Error).message, REMEDY, error);
  });
  const major = Number(/ (\d+)\.\d+/.exec(said)?.[1]);
  if (major >= MAJOR_MIN) return command;
  throw new StackError('STACK_UNAVAILABLE', 'chromium', `${command} is too old: ${said}`, REMEDY);
}

async function install(log: (line: string) => void): Promise<string> {
  if (!(await canInstall())) {
    const problem = `none of ${COMMANDS.join(', ')} is on PATH`;
    throw new StackError('STACK_UNAVAILABLE', 'chromium', problem, REMEDY);
  }
  log('chromium: installing the Debian package chromium');
  try {
    await installPackage('chromium');
  } catch (error) {
    throw new StackError('STACK_UNAVAILABLE', 'chromium', (error as Error).message, REMEDY, error);
  }
  const installed = await which('chromium');
  if (installed !== undefined) return installed;
  throw new StackError('STACK_UNAVAILABLE', 'chromium', 'it was installed but is not on PATH', REMEDY);
}
