import type { DestinationStream } from '@calltally/telemetry';

/**
 * Writes log lines to standard output, those of one turn of the event loop together: a write for each would cost as
 * much as answering. What is left is written when the process exits.
 */
export class LogLines implements DestinationStream {
  #lines = '';

  constructor() {
    process.on('exit', () => this.flush());
  }

  write(line: string): void {
    if (this.#lines === '') setImmediate(() => this.flush());
    this.#lines += line;
  }

  flush(): void {
    if (this.#lines === '') return;
    const lines = this.#lines;
    this.#lines = '';
    process.stdout.write(lines);
  }
}
