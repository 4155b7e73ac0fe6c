import type { Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { CommandError } from './failure.ts';
import type { Io } from './io.ts';

/** A file, or standard input, that a command reads. */
export interface Input {
  /** Its bytes, unpacked. Those that are read count in `doneBytes`. */
  chunks: AsyncIterable<Buffer>;
  doneBytes(): number;
  /** Of a regular file, as it is stored. */
  stats?: Stats;
  /** Makes the reading fail: one from a silent pipe would not notice a signal. */
  destroy(): void;
}

/**
 * Opens a file, gzipped if its name ends with `.gz`; `-` is standard input.
 * @throws CommandError FILE_UNREADABLE, while it is read as well
 */
export async function openInput(file: string, { cwd, stdin }: Io): Promise<Input> {
  const unreadable = (error: unknown) => {
    const { code, message } = error as NodeJS.ErrnoException;
    return new CommandError('FILE_UNREADABLE', `${file} cannot be read: ${code ?? message}`);
  };
  const { stream, stats } =
    file === '-'
      ? { stream: stdin }
      : await openFile(resolve(cwd, file)).catch((error) => {
          throw unreadable(error);
        });

  let doneBytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    for await (const chunk of stream) {
      yield chunk as Buffer;
      doneBytes += chunk.length;
    }
  }
  async function* unpacked(): AsyncGenerator<Buffer> {
    try {
      if (!file.endsWith('.gz')) yield* counted();
      else yield* pipeline(counted, createGunzip(), () => {}) as AsyncIterable<Buffer>;
    } catch (error) {
      throw unreadable(error);
    }
  }
  return {
    chunks: unpacked(),
    doneBytes: () => doneBytes,
    ...(stats !== undefined && { stats }),
    destroy: () => void stream.destroy(),
  };
}

async function openFile(path: string): Promise<{ stream: Readable; stats?: Stats }> {
  const handle = await open(path);
  const stats = await handle.stat();
  if (stats.isDirectory()) {
    await handle.close();
    throw Object.assign(new Error(), { code: 'EISDIR' });
  }
  const stream = handle.createReadStream();
  return stats.isFile() ? { stream, stats } : { stream };
}
