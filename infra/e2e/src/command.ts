import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Platform } from './platform.ts';

const CALLTALLY = fileURLToPath(new URL('../../../services/ops/bin/calltally.js', import.meta.url));

/** Runs the built `calltally` as operators do: in its own process, beside the running service. */
export async function calltally(
  platform: Platform,
  ...args: string[]
): Promise<{ status: number; out: string; err: string }> {
  return runCalltally(environmentOf(platform), ...args);
}

/** The same, with only `env` and PATH in the environment. */
export async function runCalltally(
  env: Record<string, string>,
  ...args: string[]
): Promise<{ status: number; out: string; err: string }> {
  const child = launch(env, args);
  const [out, err] = [text(child.stdout), text(child.stderr)];
  const [code] = await once(child, 'exit');
  return { status: code ?? -1, out: await out, err: await err };
}

/** Runs it until some time after its first line of output, then kills it. @returns whether it was still running */
export async function killCalltally(
  platform: Platform,
  afterMs: number,
  ...args: string[]
): Promise<boolean> {
  const child = launch(environmentOf(platform), args);
  child.stderr.resume();
  const exited = once(child, 'exit');
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), afterMs));
  const [, signal] = await exited;
  return signal === 'SIGKILL';
}

/** Kills it as soon as it has said a word. @returns whether it was still running */
export async function killCalltallyAt(platform: Platform, word: string, ...args: string[]): Promise<boolean> {
  const child = launch(environmentOf(platform), args);
  child.stderr.resume();
  const exited = once(child, 'exit');
  let said = '';
  child.stdout.on('data', (data) => {
    said += data;
    if (said.includes(`"${word}"`)) child.kill('SIGKILL');
  });
  const [, signal] = await exited;
  return signal === 'SIGKILL';
}

function environmentOf(platform: Platform): Record<string, string> {
  return {
    KAFKA_BROKERS: platform.kafka.address,
    KAFKA_TOPIC: platform.topic,
    KAFKA_DLQ_TOPIC: platform.dlqTopic,
    KAFKA_GROUP_ID: platform.groupId,
    REDIS_URL: platform.redis.address,
    MONGODB_URI: platform.mongoUri,
  };
}

/** Starts it beside the running service. */
export function launchBeside(platform: Platform, args: readonly string[]) {
  const child = launch(environmentOf(platform), args);
  child.stdout.resume();
  child.stderr.resume();
  return child;
}

/** Starts it, with only `env` and PATH in the environment. */
export function launch(
  env: Record<string, string>,
  args: readonly string[],
): ChildProcessByStdio<null, Readable, Readable> {
  return spawn(process.execPath, [CALLTALLY, ...args], {
    env: { PATH: process.env.PATH!, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
