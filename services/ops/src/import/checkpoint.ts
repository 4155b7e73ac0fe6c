import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** How far an import has come: everything through this record is acknowledged, or among the errors. */
export interface Checkpoint {
  /** Records, from the first one of the file. */
  records: number;
  published: number;
  invalid: number;
  /** Size of the errors file. What is behind it belongs to later records. */
  errorsBytes: number;
}

/** What must be the same for an import to go on: the file, and how and where it is imported. */
export function identityOf({ size, mtimeMs, ino }: Stats, how: object): string {
  return createHash('sha256')
    .update(JSON.stringify([size, mtimeMs, ino, how]))
    .digest('hex');
}

/** A file beside the imported one. Without it an import begins anew, which costs time alone. */
export class CheckpointFile {
  readonly #path: string;
  readonly #identity: string;

  constructor(path: string, identity: string) {
    this.#path = path;
    this.#identity = identity;
  }

  /** @returns undefined if there is none, or one of another file or import */
  async read(): Promise<Checkpoint | undefined> {
    try {
      const { identity, ...checkpoint } = JSON.parse(await readFile(this.#path, 'utf8'));
      return identity === this.#identity ? (checkpoint as Checkpoint) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whole or not at all, so that a kill leaves the one before. */
  async write(checkpoint: Checkpoint): Promise<void> {
    const next = `${this.#path}.next`;
    await writeFile(next, JSON.stringify({ identity: this.#identity, ...checkpoint }));
    await rename(next, this.#path);
  }

  async remove(): Promise<void> {
    await rm(this.#path, { force: true });
  }
}
