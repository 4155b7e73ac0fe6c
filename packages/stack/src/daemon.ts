import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from './errors.ts';
import { isAlive } from './processes.ts';
import { launch, type Run, type RunSpec } from './run.ts';

interface DaemonOptions extends Pick<RunSpec, 'command' | 'args'> {
  /** The engine's name in errors and log lines. */
  name: string;
  /** Holds its log, `NAME.log`, and the process id of its guardian, `NAME.guardian`. */
  dataDir: string;
  cwd?: string;
  env?: Record<string, string>;
  uid?: number | undefined;
  stopSignal?: NodeJS.Signals;
  stopTimeoutMs?: number;
  startTimeoutMs?: number;
  /** Whether to retry a start that fails at once. After a kill, leftover workers can block a start for a moment. */
  retryStart?: boolean;
  restart?: boolean | undefined;
  log?: ((line: string) => void) | undefined;
  isReady(): Promise<boolean>;
}

const PREDECESSOR_WAIT_MS = 20_000;
const RESTART_WAIT_MS_MIN = 500;
const RESTART_WAIT_MS_MAX = 10_000;
const POLL_MS = 50;
const RETRY_START_MS = 250;

/** A process that can be started and stopped many times, with the same port and data folder. */
export class Daemon {
  readonly #options: DaemonOptions;
  readonly #spec: RunSpec;
  #run: Run | undefined;
  #wanted = false;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: DaemonOptions) {
    this.#options = options;
    this.#spec = {
      command: options.command,
      args: options.args,
      cwd: options.cwd ?? options.dataDir,
      env: options.env ?? {},
      logFile: join(options.dataDir, `${options.name}.log`),
      pidFile: join(options.dataDir, `${options.name}.guardian`),
      stopSignal: options.stopSignal ?? 'SIGTERM',
      stopTimeoutMs: options.stopTimeoutMs ?? 10_000,
      ...(options.uid === undefined ? {} : { uid: options.uid }),
    };
  }

  /** Undefined while the process is down. */
  get pid(): number | undefined {
    return this.#run?.pid;
  }

  /** Resolves when it answers, immediately if it already does. Rejects with StackError. */
  start(): Promise<void> {
    this.#wanted = true;
    return this.#inTurn(() => this.#start());
  }

  /** Resolves when it is gone. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    this.#wanted = false;
    await this.#run?.stop(signal);
    await this.#inTurn(async () => this.#run?.stop(signal));
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(step);
    this.#last = turn.catch(() => {});
    return turn;
  }

  async #start(): Promise<void> {
    await mkdir(this.#options.dataDir, { recursive: true });
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? 120_000);
    if (!this.#wanted || (await this.#stillAnswers(deadline))) return;
    await this.#waitForPredecessor();
    for (;;) {
      const ending = await this.#startOnce(deadline);
      if (ending === undefined) return;
      if (!this.#wanted || !this.#options.retryStart || Date.now() > deadline)
        throw await this.#failure(ending);
      await sleep(RETRY_START_MS);
    }
  }

  /** A process that was just killed counts as running until its guardian has noticed. */
  async #stillAnswers(deadline: number): Promise<boolean> {
    while (this.#run !== undefined) {
      if (await this.#options.isReady()) return true;
      if (Date.now() > deadline) throw await this.#failure('it runs but does not answer');
      await sleep(POLL_MS);
    }
    return false;
  }

  /** Returns undefined when it answers. Otherwise returns why it does not, and the process is gone. */
  async #startOnce(deadline: number): Promise<string | undefined> {
    let ending: string | undefined;
    const run = await launch(this.#spec).catch((error: Error) => error.message);
    if (typeof run === 'string') return run;
    this.#run = run;
    void run.exited.then((how) => {
      ending = how;
      if (this.#run === run) this.#run = undefined;
    });
    while (ending === undefined) {
      if (await this.#options.isReady()) {
        // Another process may have answered on the port while this one failed to bind it.
        if (ending !== undefined) break;
        void run.exited.then((how) => this.#afterExit(how));
        return undefined;
      }
      if (!this.#wanted || Date.now() > deadline) {
        await run.stop('SIGKILL');
        return this.#wanted ? 'it did not answer in time' : 'it was stopped while it started';
      }
      await sleep(POLL_MS);
    }
    return ending;
  }

  async #afterExit(how: string): Promise<void> {
    if (!this.#wanted || !this.#options.restart) return;
    const { name, log } = this.#options;
    for (let waitMs = RESTART_WAIT_MS_MIN; this.#wanted; waitMs = Math.min(waitMs * 2, RESTART_WAIT_MS_MAX)) {
      log?.(`${name}: ${how}, starting it again`);
      await sleep(waitMs, undefined, { ref: false }); // must not keep this process alive
      try {
        return await this.#inTurn(() => this.#start());
      } catch (error) {
        how = (error as Error).message;
      }
    }
  }

  /** If a parent was just killed, its guardian may still be stopping an engine that uses this folder. */
  async #waitForPredecessor(): Promise<void> {
    const deadline = Date.now() + PREDECESSOR_WAIT_MS;
    while (await this.#hasPredecessor()) {
      if (Date.now() > deadline) {
        const { name, dataDir } = this.#options;
        const remedy = 'stop that process or choose another folder';
        throw new StackError('STACK_DATA_IN_USE', name, `another process uses ${dataDir}`, remedy);
      }
      await sleep(POLL_MS);
    }
  }

  async #hasPredecessor(): Promise<boolean> {
    const { pidFile } = this.#spec;
    const pid = Number(await readFile(pidFile, 'utf8').catch(() => ''));
    if (!(pid > 0) || !(await isAlive(pid))) return false;
    // The process id may have been reused.
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => pidFile);
    return command.includes(pidFile);
  }

  async #failure(ending: string): Promise<StackError> {
    const { logFile } = this.#spec;
    const lines = (await readFile(logFile, 'utf8').catch(() => '')).trim().split('\n');
    const said =
      lines.findLast((line) => /error|fatal|exception|bad|can't|could not/i.test(line)) ?? lines.at(-1);
    const problem = `did not start (${ending})${said ? `: ${said.slice(0, 300)}` : ''}`;
    return new StackError('STACK_START_FAILED', this.#options.name, problem, `see ${logFile}`);
  }
}
