import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const READY_WITHIN_MS = 180_000;
const END_WITH_PARENT = new URL('./end-with-parent.mjs', import.meta.url).href;

/** The repository that this file is in. */
export const THIS_VERSION = new URL('../../../', import.meta.url);

/** A service from its build, in its own process, as in production. */
export class Service {
  /** The repository whose build starts next. */
  version = THIS_VERSION;
  readonly #env: Record<string, string>;
  readonly #log: string;
  #child: ChildProcess | undefined;

  constructor(
    readonly name: 'api' | 'ingest' | 'intake',
    readonly port: number,
    env: Record<string, string>,
    folder: string,
  ) {
    this.#env = env;
    this.#log = join(folder, `${name}-${port}.log`);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Starts the process without waiting for it to be ready. */
  launch(): void {
    const out = openSync(this.#log, 'a');
    const main = fileURLToPath(new URL(`services/${this.name}/dist/main.js`, this.version));
    this.#child = spawn(process.execPath, ['--import', END_WITH_PARENT, main], {
      env: { PATH: process.env.PATH!, LOG_LEVEL: 'info', ...this.#env },
      stdio: ['ignore', out, out, 'ipc'],
    });
    const child = this.#child;
    child.once('exit', (code, signal) => {
      if (this.#child === child)
        console.error(`${this.name} ended (${code ?? signal}):\n${this.log.slice(-2_000)}`);
    });
  }

  /** Resolves with the exit code (or signal) when a started process ends by itself. */
  get exited(): Promise<number | string | null> {
    const child = this.#child;
    if (child === undefined) throw new Error(`${this.name} was not launched`);
    return exitOf(child);
  }

  async start(): Promise<void> {
    this.launch();
    await this.ready();
  }

  /** Waits until /readyz answers 200. */
  ready(): Promise<void> {
    return this.#until('readyz');
  }

  /** Waits until /healthz answers 200, which does not depend on the stores. */
  alive(): Promise<void> {
    return this.#until('healthz');
  }

  async #until(path: string): Promise<void> {
    for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; await sleep(50)) {
      const answer = await fetch(`${this.url}/${path}`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
    }
    const late = `${this.name} does not answer /${path} with 200 within ${READY_WITHIN_MS} ms`;
    throw new Error(`${late}:\n${this.log.slice(-4000)}`);
  }

  /** Sends a signal. Resolves with the exit code (or signal) when the process has ended. */
  async end(signal: NodeJS.Signals): Promise<number | string | null> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return null;
    const gone = exitOf(child);
    child.kill(signal);
    return gone;
  }

  /** Sends SIGSTOP or SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }
}

async function exitOf(child: ChildProcess): Promise<number | string | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode ?? child.signalCode;
}
