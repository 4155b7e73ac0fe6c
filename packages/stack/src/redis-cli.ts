import { run } from './obtain/command.ts';
import { obtainTool, REDIS_CLI } from './obtain/tools.ts';

/** Sends one command to the Redis at a `redis://` address, as operators do. Rejects with what Redis or the tool says. */
export async function redisCli(address: string, ...command: (string | number)[]): Promise<string> {
  const { port } = new URL(address);
  return (await redisCliTool('-e', '-p', port, ...command)).trim();
}

/** Runs `redis-cli --cluster …`. It asks before it changes something, unless `--cluster-yes` is among the arguments. */
export function redisCliCluster(...args: (string | number)[]): Promise<string> {
  return redisCliTool('--cluster', ...args);
}

async function redisCliTool(...args: (string | number)[]): Promise<string> {
  return run(await obtainTool(REDIS_CLI), args.map(String), { env: { LC_ALL: 'C.UTF-8' } });
}
