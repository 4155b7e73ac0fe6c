import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { obtainChdb } from '@calltally/stack';
import { type Bench, ROOT } from '../bench.ts';

const SERVE = join(ROOT, 'infra/bench/src/clickhouse/serve.py');

/** ClickHouse in a process of its own, reached by a pipe. It ends with this process. */
export class ClickHouse {
  readonly #child: ChildProcess & { stdin: Writable; stdout: Readable };
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess & { stdin: Writable; stdout: Readable }) {
    this.#child = child;
    this.#lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    // If it has ended, the missing answer says so.
    child.stdin.on('error', () => {});
  }

  /** Obtains it first, if it is not there. @throws StackError */
  static async start(bench: Bench): Promise<ClickHouse> {
    const { python, modules } = await obtainChdb((line) => bench.say(line));
    const child = spawn(python, [SERVE, join(bench.folder, 'clickhouse')], {
      env: { PATH: process.env.PATH!, PYTHONPATH: modules },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child, 'spawn');
    bench.atEnd(() => child.kill('SIGKILL'));
    return new ClickHouse(child);
  }

  /** Runs one statement at a time. @returns the rows of its result @throws Error if it fails; ClickHouse has then ended */
  async query<Row>(statement: string): Promise<Row[]> {
    this.#child.stdin.write(`${JSON.stringify(statement)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`ClickHouse ended at ${statement.slice(0, 200)}`);
    return JSON.parse(value);
  }
}
