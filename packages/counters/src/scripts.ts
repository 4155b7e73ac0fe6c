import { readFileSync } from 'node:fs';
import type { ChainableCommander, Redis } from 'ioredis';

/** The scripts in lua/. Those that only read are named after what they reply. Each file lists its keys and arguments. */
const SCRIPTS = [
  'ensure-generation',
  'bring-generation',
  'drop-generation',
  'take-slots',
  'checkpoint',
  'advance-as-of',
  'apply',
  'window-sums',
  'digests',
  'buckets',
  'segments',
  'cells',
  'claim',
  'open',
  'fill',
  'fill-status',
  'snapshot',
  'reserve',
  'dequeue',
  'release-slot',
] as const;
export type Script = (typeof SCRIPTS)[number];

/** What comes before a script, because it uses its functions. */
const LIBRARIES: Partial<Record<Script, string>> = { apply: 'add-detail', fill: 'add-detail' };

const SOURCES = new Map(
  SCRIPTS.map((name) => [name, (LIBRARIES[name] ? readLua(LIBRARIES[name]) : '') + readLua(name)]),
);

function readLua(name: string): string {
  return readFileSync(new URL(`../lua/${name}.lua`, import.meta.url), 'utf8');
}

type RunScript = (keyCount: number, ...keysAndArguments: (string | number)[]) => Promise<unknown>;

export function defineScripts(redis: Redis): void {
  for (const [name, lua] of SOURCES) redis.defineCommand(commandName(name), { lua });
}

/** Scripts whose replies have chunks of sums, which are binary: they reply with buffers in place of texts. */
const BINARY: readonly Script[] = ['cells', 'segments', 'snapshot'];

/** A script as a command of a connection, which runs it, or of a pipeline, which queues it. */
export function scriptOf(commander: Redis | ChainableCommander, script: Script): RunScript {
  const commands = commander as unknown as Record<string, RunScript>;
  return commands[commandName(script) + (BINARY.includes(script) ? 'Buffer' : '')]!.bind(commander);
}

/** With a prefix, since ioredis has commands of its own, such as `apply`. */
function commandName(script: Script): string {
  return `calltally_${script}`;
}
