import type { DestinationStream } from '@calltally/telemetry';

/** Long enough for a write to be worth its while, short enough for whoever watches the log. */
const HELD_MS = 20;
const HELD_CHARACTERS_MAX = 65_536;

/**
 * Writes log lines to standard output, those of a moment together: a write for each would cost as much as answering.
 * What is left is written when the process exits; a process that is killed loses the lines of the last moment.
 */
export class LogLines implements DestinationStream {
  #lines = '';
  #timer: NodeJS.Timeout | undefined;

  constructor() {
    process.on('exit', () => this.flush());
  }

  write(line: string): void {
    this.#lines += line;
    if (this.#lines.length >= HELD_CHARACTERS_MAX) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), HELD_MS);
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#lines;
    this.#lines = '';
    if (lines !== '') process.stdout.write(lines);
  }
}
