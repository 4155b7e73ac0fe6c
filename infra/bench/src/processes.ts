import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, ROOT } from './bench.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
/** Ticks in /proc are hundredths of a second on every Linux. */
const TICKS_PER_SECOND = 100;

export const API = join(ROOT, 'services/api/dist/main.js');
export const INTAKE = join(ROOT, 'services/intake/dist/main.js');
export const INGEST = join(ROOT, 'services/ingest/dist/main.js');
const CALLTALLY = join(ROOT, 'services/ops/bin/calltally.js');

/** Loaded before a server, as `npm start` does: the server then ends even if this process is killed. */
const ENDS_WITH_PARENT = new URL('../../dev/bin/ends-with-parent.js', import.meta.url).href;

const MIB = 2 ** 20;

export interface Metrics {
  /** Resident memory. */
  memoryMiB: number;
  /** The used JavaScript heap, including garbage. */
  heapMiB: number;
  /** The sum of a metric over its labels; 0 if it has no samples yet. */
  sum: (name: string) => number;
}

/** A measured server: a Node process that logs to a file. */
export class NodeProcess {
  readonly url: string;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #log: string;

  private constructor(name: string, port: number, child: ChildProcess, log: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#name = name;
    this.#child = child;
    this.#log = log;
  }

  /** Resolves when `/readyz` answers 200. The process gets only PATH from our environment. */
  static async start(
    bench: Bench,
    main: string,
    env: Record<string, string>,
    portVariable = 'PORT',
  ): Promise<NodeProcess> {
    const port = await freePort();
    const log = join(bench.folder, `${port}.log`);
    const out = openSync(log, 'a');
    const child = spawn(process.execPath, ['--import', ENDS_WITH_PARENT, ...bench.nodeFlags(main), main], {
      env: { PATH: process.env.PATH!, DRAIN_SECONDS: '0', [portVariable]: String(port), ...env },
      stdio: ['ignore', out, out, 'ipc'],
    });
    closeSync(out);
    const started = new NodeProcess(main, port, child, log);
    bench.atEnd(() => started.stop());
    await started.#untilReady();
    return started;
  }

  /** CPU seconds that it has used so far; undefined if the system does not tell. */
  cpuSeconds(): number | undefined {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      return undefined;
    }
  }

  /** Its resident memory in MiB; undefined if the system does not tell. */
  memoryMiB(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
    } catch {
      return undefined;
    }
  }

  /** Reads its metrics. @throws Error if it does not answer */
  async metrics(): Promise<Metrics> {
    const answer = await fetch(`${this.url}/metrics`);
    if (!answer.ok) throw new Error(`${this.url}/metrics answers ${answer.status}`);
    const text = await answer.text();
    const sum = (name: string) => {
      const values = text.matchAll(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)`, 'gm'));
      return [...values].reduce((total, [, value]) => total + Number(value), 0);
    };
    return {
      memoryMiB: sum('process_resident_memory_bytes') / MIB,
      heapMiB: sum('nodejs_heap_size_used_bytes') / MIB,
      sum,
    };
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** Empties the log: a line for each request would fill the disk during a run. */
  emptyLog(): void {
    truncateSync(this.#log);
  }

  /** Resolves when it has ended. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(killer);
  }

  async #untilReady(): Promise<void> {
    const isReady = async () => {
      if (this.#child.exitCode !== null) throw new Error(`${this.#name} ended: ${this.log.slice(-2000)}`);
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      await answer?.arrayBuffer();
      return answer?.ok === true;
    };
    await until(`${this.#name} is ready`, isReady, { withinMs: READY_WITHIN_MS, everyMs: 50 });
  }
}

/** Polls until something is true. @throws Error if that takes too long */
export async function until(
  what: string,
  look: () => Promise<boolean>,
  { withinMs, everyMs }: { withinMs: number; everyMs: number },
): Promise<void> {
  for (const end = Date.now() + withinMs; !(await look()); await sleep(everyMs)) {
    if (Date.now() > end) throw new Error(`timed out after ${withinMs} ms; waited until ${what}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}

/** A helper that answers requests from its own process, so that its work takes no time from the one that measures. */
export class Child<Request, Reply> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  /** @param main the built file that it runs */
  constructor(bench: Bench, main: URL, args: readonly string[]) {
    this.#process = fork(main, args);
    this.#ended = once(this.#process, 'exit').then(([status]) => {
      throw new Error(`${main.pathname} ended with ${status}`);
    });
    // It ends together with this process; by then nobody waits for an answer.
    this.#ended.catch(() => {});
    bench.atEnd(() => this.#process.kill());
  }

  /** Answers one request at a time. @throws Error if it ends instead of answering */
  async ask(request: Request): Promise<Reply> {
    const replied = once(this.#process, 'message');
    this.#process.send(request as object, () => {}); // if sending fails, it has ended
    const [reply] = await Promise.race([replied, this.#ended]);
    return reply as Reply;
  }
}

/** The helper's side of `ask`. */
export function answer<Request, Reply>(work: (request: Request) => Reply | Promise<Reply>): void {
  process.on('message', async (request: Request) => process.send!(await work(request)));
  process.on('disconnect', () => process.exit());
}

/** Runs a command as an operator does, and returns the last object that it prints. */
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
