import type { Rejection } from '@calltally/contract';
import type { CallEventProducer } from '@calltally/contract/producer';
import type { EventItem } from '../event-items.ts';
import { type Published, publishEvents } from '../publish-events.ts';
import type { Checkpoint, CheckpointFile } from './checkpoint.ts';
import type { ErrorsFile } from './errors-file.ts';
import type { Pending } from './import-items.ts';

export interface Imported extends Published {
  /** Records of the file that are acknowledged or among the errors. */
  records: number;
}

export interface ImportParts {
  producer: CallEventProducer;
  errors: ErrorsFile;
  /** Undefined for what cannot be read again. */
  checkpoints: CheckpointFile | undefined;
  /** Where an earlier run came to. */
  from: Checkpoint | undefined;
}

export interface ImportHooks {
  onInvalid(line: number, rejection: Rejection): void;
  onProgress(imported: Imported): void;
}

/** Records between two checkpoints. At each, all events on their way are waited for. */
const CHECKPOINT_EVERY = 5_000;

/**
 * Publishes the events of all records after the checkpoint. A checkpoint is written only when everything before it is acknowledged
 * or in the errors file, so an import that goes on from it leaves nothing out; what was published after it is published
 * again, and counts once.
 *
 * @param imported is updated, also when this throws
 * @throws CallEventProducerError as `publishEvents`; and what `records` throws
 */
export async function runImport(
  records: AsyncIterable<Pending>,
  { producer, errors, checkpoints, from }: ImportParts,
  { onInvalid, onProgress }: ImportHooks,
  signal: AbortSignal,
  imported: Imported,
): Promise<void> {
  const source = records[Symbol.asyncIterator]();
  let isOver = false;
  for (let skipped = 0; skipped < (from?.records ?? 0); skipped++) await source.next();

  /** Items up to the next checkpoint. */
  async function* piece(): AsyncGenerator<EventItem> {
    for (let count = 0; count < CHECKPOINT_EVERY; count++) {
      const { done, value } = await source.next();
      if (done) {
        isOver = true;
        return;
      }
      read++;
      yield value();
    }
  }
  let read = imported.records;
  const hooks = {
    onInvalid(line: number, rejection: Rejection) {
      errors.add(line, rejection);
      onInvalid(line, rejection);
    },
    onProgress: () => onProgress(imported),
  };

  do {
    await publishEvents(piece(), producer, hooks, signal, imported);
    const errorsBytes = await errors.write();
    imported.records = read;
    const { published, invalid } = imported;
    await checkpoints?.write({ records: read, published, invalid, errorsBytes });
  } while (!isOver && !signal.aborted);
}
