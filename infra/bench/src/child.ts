import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Bench } from './bench.ts';

/** A helper in a process of its own, so that what it does takes no time from whoever measures; answers what it is asked. */
export class Child<Request, Reply> {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;

  /** @param main the file that it runs, built */
  constructor(bench: Bench, main: URL, args: readonly string[]) {
    this.#process = fork(main, args);
    this.#ended = once(this.#process, 'exit').then(([status]) => {
      throw new Error(`${main.pathname} ended with ${status}`);
    });
    // It ends with us, and then nobody waits for an answer.
    this.#ended.catch(() => {});
    bench.atEnd(() => this.#process.kill());
  }

  /** One question at a time. @throws Error where it ends instead of answering */
  async ask(request: Request): Promise<Reply> {
    const replied = once(this.#process, 'message');
    this.#process.send(request as object, () => {}); // a failure to send is its end
    const [reply] = await Promise.race([replied, this.#ended]);
    return reply as Reply;
  }
}

/** The other side of `ask`. */
export function answer<Request, Reply>(work: (request: Request) => Reply | Promise<Reply>): void {
  process.on('message', async (request: Request) => process.send!(await work(request)));
  process.on('disconnect', () => process.exit());
}
