import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { runCalltally } from '../src/run.ts';

export interface Ran {
  status: number;
  out: string;
  err: string;
}

export interface Around {
  env?: Record<string, string>;
  cwd?: string;
  stdin?: Iterable<Buffer>;
  signal?: AbortSignal;
  /** Called when something is written to standard output or standard error. */
  onText?: (text: string) => void;
}

/** Runs one command in this process, in an environment that holds nothing but `env`. */
export async function calltally(args: string[], around: Around = {}): Promise<Ran> {
  const out = sink(around.onText);
  const err = sink(around.onText);
  const status = await runCalltally(args, {
    env: around.env ?? {},
    cwd: around.cwd ?? '/',
    stdin: Readable.from(around.stdin ?? []),
    stdout: out.stream,
    stderr: err.stream,
    signal: around.signal ?? new AbortController().signal,
  });
  return { status, out: out.text(), err: err.text() };
}

/** A folder that ends with the test. */
export async function folder(t: { teardown(step: () => unknown): void }): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'calltally-ops-'));
  t.teardown(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** Nothing listens there: port 1 is reserved. */
export const NOWHERE = {
  KAFKA_BROKERS: '127.0.0.1:1',
  REDIS_URL: 'redis://127.0.0.1:1',
  MONGODB_URI: 'mongodb://127.0.0.1:1/calltally',
};

/** The address of a Mongo with a database of its own. */
export function databaseOn(address: string, database: string): string {
  const uri = new URL(address);
  uri.pathname = `/${database}`;
  return uri.href;
}

function sink(onText?: (text: string) => void) {
  const chunks: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      chunks.push(String(chunk));
      onText?.(String(chunk));
      done();
    },
  });
  return { stream, text: () => chunks.join('') };
}
