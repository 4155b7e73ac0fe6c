import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import type { Bench } from './bench.ts';
import { CALLTALLY } from './node-process.ts';

/** Runs a command as an operator does, and gives the last object that it prints. */
export async function calltally(
  bench: Bench,
  env: Record<string, string>,
  ...args: string[]
): Promise<Record<string, unknown>> {
  const child = spawn(process.execPath, [...bench.nodeFlags(CALLTALLY), CALLTALLY, ...args], {
    env: { PATH: process.env.PATH!, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  bench.atEnd(() => child.kill());
  const lines = (await text(child.stdout)).trim().split('\n');
  return JSON.parse(lines.at(-1)!);
}
