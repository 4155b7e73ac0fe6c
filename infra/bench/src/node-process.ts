import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Bench, ROOT } from './bench.ts';

const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 10_000;
/** Ticks of /proc are hundredths of a second on every Linux. */
const TICKS_PER_SECOND = 100;

export const API = join(ROOT, 'services/api/dist/main.js');
export const INGEST = join(ROOT, 'services/ingest/dist/main.js');
export const CALLTALLY = join(ROOT, 'services/ops/bin/calltally.js');

/** Loaded before a server, as `npm start` does: it ends even where this process is killed. */
const ENDS_WITH_PARENT = new URL('../../dev/bin/ends-with-parent.js', import.meta.url).href;

/** A server that is measured: a Node process of its own, whose log goes into a file. */
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

  /** Resolves when it answers `/readyz` with 200. It gets nothing of our environment but PATH. */
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
      env: { PATH: process.env.PATH!, [portVariable]: String(port), ...env },
      stdio: ['ignore', out, out, 'ipc'],
    });
    closeSync(out);
    const started = new NodeProcess(main, port, child, log);
    bench.atEnd(() => started.stop());
    await started.#untilReady();
    return started;
  }

  /** Seconds of processor time that it has used so far; undefined where the system does not tell. */
  cpuSeconds(): number | undefined {
    try {
      const stat = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
    } catch {
      return undefined;
    }
  }

  /** Memory that it has from the system now, MiB; undefined where the system does not tell. */
  memoryMiB(): number | undefined {
    try {
      const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)![1]) / 1_024;
    } catch {
      return undefined;
    }
  }

  get log(): string {
    return readFileSync(this.#log, 'utf8');
  }

  /** A line for each request would fill the disk in the course of a run. */
  emptyLog(): void {
    truncateSync(this.#log);
  }

  /** Resolves when it is gone. */
  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_WITHIN_MS);
    await gone;
    clearTimeout(killer);
  }

  async #untilReady(): Promise<void> {
    for (const end = Date.now() + READY_WITHIN_MS; Date.now() < end; await sleep(50)) {
      if (this.#child.exitCode !== null) break;
      const answer = await fetch(`${this.url}/readyz`).catch(() => undefined);
      await answer?.arrayBuffer();
      if (answer?.ok) return;
    }
    throw new Error(`${this.#name} did not get ready: ${this.log.slice(-2000)}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  return port;
}
