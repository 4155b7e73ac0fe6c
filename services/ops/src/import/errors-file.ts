import { type FileHandle, open, rm } from 'node:fs/promises';
import type { Rejection } from '@calltally/contract';
import { CommandError } from '../failure.ts';
import { safeJson } from '../terminal-safe.ts';

/** The records that could not be imported: NDJSON of `line`, `code`, `field` and `message`. */
export class ErrorsFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #isRegular: boolean;
  #bytes: number;
  #lines: string[] = [];

  private constructor(path: string, handle: FileHandle, isRegular: boolean, bytes: number) {
    this.#path = path;
    this.#handle = handle;
    this.#isRegular = isRegular;
    this.#bytes = bytes;
  }

  /**
   * @param bytes what is kept of an earlier run
   * @throws CommandError FILE_UNWRITABLE
   */
  static async open(path: string, bytes: number): Promise<ErrorsFile> {
    try {
      const handle = await open(path, 'a');
      const stats = await handle.stat();
      const kept = Math.min(bytes, stats.size);
      // Not of a pipe or a terminal.
      if (stats.isFile()) await handle.truncate(kept);
      return new ErrorsFile(path, handle, stats.isFile(), kept);
    } catch (error) {
      throw unwritable(path, error);
    }
  }

  add(line: number, { code, field, message }: Rejection): void {
    this.#lines.push(`${safeJson({ line, code, ...(field !== undefined && { field }), message })}\n`);
  }

  /** Writes what was added. @returns the size of the file */
  async write(): Promise<number> {
    const text = this.#lines.join('');
    this.#lines = [];
    if (text !== '') await this.#handle.writeFile(text);
    this.#bytes += Buffer.byteLength(text);
    return this.#bytes;
  }

  /** Writes the rest. A file without errors is deleted. */
  async close(): Promise<void> {
    await this.write();
    await this.#handle.close();
    if (this.#isRegular && this.#bytes === 0) await rm(this.#path, { force: true });
  }
}

function unwritable(path: string, error: unknown): CommandError {
  return new CommandError(
    'FILE_UNWRITABLE',
    `${path} cannot be written: ${(error as NodeJS.ErrnoException).code}; name another file with --errors`,
  );
}
