import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';

interface ServiceOptions {
  /** Its name in messages. */
  name: string;
  /** The file that Node runs. */
  main: string;
  env: NodeJS.ProcessEnv;
  /** Receives what the service prints. */
  logFile: string;
  say(line: string): void;
  /** How long it may take to end before it is killed. Default: 10 s. */
  stopTimeoutMs?: number;
}

const ENDS_WITH_PARENT = new URL('../bin/ends-with-parent.js', import.meta.url).href;
const STOP_TIMEOUT_MS = 10_000;
const PAUSE_MIN_MS = 300;
const PAUSE_MAX_MS = 5_000;
/** A service that ran this long did not fail to start, so the pauses begin with the shortest again. */
const STEADY_AFTER_MS = 10_000;

/**
 * A Node process that is restarted whenever it ends unexpectedly, with a backoff while it keeps failing. It ends with
 * this process, even if this process is killed.
 */
export class Service {
  readonly #options: ServiceOptions;
  #child: ChildProcess | undefined;
  #wanted = false;
  /** How it last ended. */
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

  /** Sends SIGTERM, and kills it if it does not end in time. Resolves when it is gone. */
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
      detached: true, // its own group: a Ctrl-C reaches only this process, which stops everything in order
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

  /** Undefined if the log cannot be written, as on a full disk. The service then retries as after a failure. */
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
    // Repeats the same failure only while the pauses still grow.
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

/** Opens a log to append to. Empties it first if it is too large. @returns its file descriptor */
function openLog(file: string): number {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  return openSync(file, bytes > LOG_BYTES_MAX ? 'w' : 'a', 0o600);
}
