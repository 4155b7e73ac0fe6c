import { escapeUnsafe } from '@calltally/domain';
import { opsSettings, readSettings, type Settings } from '@calltally/settings';
import { openStore, type Store } from '@calltally/store';
import type { Io } from './io.ts';
import { withStackAddresses } from './stack-environment.ts';
import { safeJson } from './terminal-safe.ts';

export type OpsSettings = Settings<typeof opsSettings>;

/** What every command is given. Nothing that it prints can touch a terminal, whatever an id holds. */
export interface Context {
  io: Io;
  /** @throws SettingsError */
  settings(): OpsSettings;
  /** Runs `work` with an open store and closes it afterwards. A call to Mongo may take `timeoutMs`. */
  withStore<T>(work: (store: Store) => Promise<T>, timeoutMs?: number): Promise<T>;
  /** Writes a line to standard output. */
  print(line: string): void;
  /** Writes an object as one line of JSON to standard output. */
  printJson(value: object): void;
  /** The same, but at most once a second, and not in the first second. */
  printProgress(value: () => object): void;
  /** Writes a line to standard error. */
  warn(line: string): void;
  /** Makes the exit status 1, although nothing was thrown. */
  failed(): void;
  /** Since the command started, in milliseconds as three decimals. */
  seconds(): number;
}

const STORE_TIMEOUT_MS = 10_000;
const STORE_SELECTION_TIMEOUT_MS = 4_000;
const PROGRESS_EVERY_MS = 1_000;

export function createContext(io: Io, failed: () => void): Context {
  const settings = () => readSettings(opsSettings, withStackAddresses(io));
  const printJson = (value: object) => void io.stdout.write(`${safeJson(value)}\n`);
  const startedAtMs = performance.now();
  let progressAtMs = startedAtMs;
  return {
    io,
    settings,
    print: (line) => void io.stdout.write(`${escapeUnsafe(line)}\n`),
    printJson,
    printProgress(value) {
      if (performance.now() - progressAtMs < PROGRESS_EVERY_MS) return;
      progressAtMs = performance.now();
      printJson(value());
    },
    warn: (line) => void io.stderr.write(`${escapeUnsafe(line)}\n`),
    failed,
    seconds: () => Math.round(performance.now() - startedAtMs) / 1_000,
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
