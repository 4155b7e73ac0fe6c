import { readFileSync } from 'node:fs';
import type { ChainableCommander, Redis } from 'ioredis';

/** The scripts of lua/; each file begins with its keys, arguments and replies. */
const SCRIPTS = [
  'begin',
  'checkpoint',
  'apply',
  'ready',
  'version',
  'read',
  'series',
  'claim',
  'open',
  'fill',
  'standing',
  'snapshot',
  'take',
  'dequeue',
  'give',
] as const;
export type Script = (typeof SCRIPTS)[number];

const SOURCES = new Map(
  SCRIPTS.map((name) => [name, readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8')]),
);

type Runner = (keys: number, ...keysAndArguments: (string | number)[]) => unknown;

export function defineScripts(redis: Redis): void {
  for (const [name, lua] of SOURCES) redis.defineCommand(commandName(name), { lua });
}

/** Runs a script at once. */
export function run(
  redis: Redis,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): Promise<unknown> {
  return runnerOf(redis, script)(keys.length, ...keys, ...args) as Promise<unknown>;
}

/** Puts a script into a pipeline. */
export function queue(
  pipeline: ChainableCommander,
  script: Script,
  keys: readonly string[],
  args: readonly (string | number)[],
): void {
  runnerOf(pipeline, script)(keys.length, ...keys, ...args);
}

function runnerOf(commander: Redis | ChainableCommander, script: Script): Runner {
  const commands = commander as unknown as Record<string, Runner>;
  return commands[commandName(script)]!.bind(commander);
}

/** ioredis has commands of its own called `apply` and the like. */
function commandName(script: Script): string {
  return `calltally_${script}`;
}
