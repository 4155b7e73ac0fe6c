import { StackError } from '../errors.ts';
import { run, which } from './command.ts';
import { canInstall, installPackage } from './debian.ts';

const COMMANDS = ['redis-server', 'valkey-server'];
const MAJOR_MIN = 7;
const REMEDY = `install Redis ${MAJOR_MIN} or newer (Debian: apt-get install redis-server), or set REDIS_URL`;

/** The command of Redis or Valkey; installed from Debian where root may. Rejects with StackError. */
export async function obtainRedis(log: (line: string) => void = () => {}): Promise<string> {
  const command = (await which(...COMMANDS)) ?? (await install(log));
  const said = await run(command, ['--version']);
  const major = Number(/v=(\d+)\./.exec(said)?.[1]);
  if (major >= MAJOR_MIN) return command;
  throw new StackError('STACK_UNAVAILABLE', 'redis', `${command} is too old: ${said}`, REMEDY);
}

async function install(log: (line: string) => void): Promise<string> {
  if (!(await canInstall())) {
    throw new StackError('STACK_UNAVAILABLE', 'redis', `none of ${COMMANDS.join(', ')} is on PATH`, REMEDY);
  }
  log('redis: installing the Debian package redis-server');
  try {
    await installPackage('redis-server', 'redis-server');
  } catch (error) {
    throw new StackError('STACK_UNAVAILABLE', 'redis', (error as Error).message, REMEDY, error);
  }
  const command = await which(...COMMANDS);
  if (command !== undefined) return command;
  throw new StackError('STACK_UNAVAILABLE', 'redis', 'redis-server was installed but is not on PATH', REMEDY);
}
