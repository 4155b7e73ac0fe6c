import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';

interface ServiceOptions {
  /** As lines on the terminal call it. */
  name: string;
  /** The file that Node runs. */
  main: string;
  env: NodeJS.ProcessEnv;
  /** Takes what the service prints. */
  logFile: string;
  say(line: string): void;
  /** How long it may take to end before it is killed; default 10 s. */
  stopTimeoutMs?: number;
}

const ENDS_WITH_PARENT = new URL('../bin/ends-with-parent.js', import.meta.url).href;
const STOP_TIMEOUT_MS = 10_000;
const PAUSE_MIN_MS = 300;
const PAUSE_MAX_MS = 5_000;
/** A service that lived this long has not failed to start, and is started again at once. */
const STEADY_AFTER_MS = 10_000;

/**
 * A Node process that is started again whenever it ends by itself, after a pause that grows while it keeps failing.
 * It ends with this process, also where this one is killed.
 */
export class Service {
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #wanted = false;
  /** How it ended last. */
  #said: string | undefined;
  #pauseMs = PAUSE_MIN_MS;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(): void {
    this.#wanted = true;
    if (this.#child === undefined && this.#timer === undefined) this.#launch();
  }

  /** Resolves when it is gone; after SIGTERM and a bounded wait it is killed. */
  async stop(): Promise<void> {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const child = this.#child;
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGTERM');
    const killer = setTimeout(() => child.kill('SIGKILL'), this.#options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    await gone;
    clearTimeout(killer);
  }

  #launch(): void {
    const { main, env } = this.#options;
    const log = this.#openLog();
    if (log === undefined) return;
    const startedAtMs = performance.now();
    const child = spawn(process.execPath, ['--import', ENDS_WITH_PARENT, main], {
      env,
      detached: true, // a group of its own: a Ctrl-C in the terminal is for us, who end things in order
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    this.#child = child;
    let over = false;
    const end = (how: string) => {
      if (over) return;
      over = true;
      this.#child = undefined;
      if (performance.now() - startedAtMs >= STEADY_AFTER_MS) this.#pauseMs = PAUSE_MIN_MS;
      if (this.#wanted) this.#again(how);
    };
    child.on('error', (error) => child.pid === undefined && end(error.message));
    child.on('exit', (status, signal) => end(signal ? `ended by ${signal}` : `exited with ${status}`));
  }

  /** Undefined where it cannot be written, as on a full disk; the service then waits for that as after its own end. */
  #openLog(): number | undefined {
    try {
      return openLog(this.#options.logFile);
    } catch (error) {
      this.#again(`cannot be started: ${(error as Error).message}`);
      return undefined;
    }
  }

  #again(how: string): void {
    const { name, logFile, say } = this.#options;
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, PAUSE_MAX_MS);
    // One that keeps failing in the same way is told until nobody can have missed it.
    if (how !== this.#said || pauseMs < PAUSE_MAX_MS) {
      say(`${name} ${how}; starting it again in ${pauseMs / 1000} s (log: ${logFile})`);
    }
    this.#said = how;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#launch();
    }, pauseMs);
  }
}

const LOG_BYTES_MAX = 20 * 1024 * 1024;

/** Opens a log to add to; one that has grown too large begins anew. @returns its file descriptor */
function openLog(file: string): number {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, bytes > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
}
