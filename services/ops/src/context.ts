import { escapeUnsafe } from '@calltally/domain';
import { opsSettings, readSettings, type Settings } from '@calltally/settings';
import { openStore, type Store } from '@calltally/store';
import type { Io } from './io.ts';
import { safeJson } from './shown.ts';
import { withStackAddresses } from './stack-environment.ts';

export type OpsSettings = Settings<typeof opsSettings>;

/** What every command is given. */
export interface Context {
  io: Io;
  /** @throws SettingsError */
  settings(): OpsSettings;
  /** Runs `work` with an open store and closes it, however that ends; a call to Mongo may take `timeoutMs`. */
  withStore<T>(work: (store: Store) => Promise<T>, timeoutMs?: number): Promise<T>;
  /** Writes a line to standard output; whatever an id in it holds, it cannot touch a terminal. */
  print(line: string): void;
  /** Writes an object as one line of JSON to standard output, which cannot touch a terminal either. */
  printJson(value: object): void;
  /** As `print`, to standard error. */
  warn(line: string): void;
  /** Says that what was asked is not so, though nothing was thrown. */
  failed(): void;
}

const STORE_TIMEOUT_MS = 10_000;
const STORE_SELECTION_TIMEOUT_MS = 4_000;

/** @param failed called when the exit status is to be 1 */
export function createContext(io: Io, failed: () => void): Context {
  const settings = () => readSettings(opsSettings, withStackAddresses(io));
  const print = (line: string) => void io.stdout.write(`${escapeUnsafe(line)}\n`);
  return {
    io,
    settings,
    print,
    printJson: (value) => void io.stdout.write(`${safeJson(value)}\n`),
    warn: (line) => void io.stderr.write(`${escapeUnsafe(line)}\n`),
    failed,
    async withStore(work, timeoutMs = STORE_TIMEOUT_MS) {
      const store = openStore({
        ...settings().mongo,
        timeoutMs,
        selectionTimeoutMs: STORE_SELECTION_TIMEOUT_MS,
      });
      try {
        return await work(store);
      } finally {
        await store.close();
      }
    },
  };
}
