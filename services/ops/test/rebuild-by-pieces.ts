/*
 * `rebuild --all` as a process of its own, by pieces so small that a kill falls into the middle of a user. Prints a line
 * of JSON for each event.
 */
import { Readable } from 'node:stream';
import { DAY_MS } from '@calltally/domain';
import { Pieces } from '@calltally/ledger';
import { rebuild } from '../src/audit/rebuild-run.ts';
import type { RowsDone } from '../src/audit/rows-done.ts';
import { withBooks } from '../src/audit/with-books.ts';
import { createContext } from '../src/context.ts';

const stopping = new AbortController();
process.once('SIGINT', () => stopping.abort());
const { env, stdout, stderr } = process;
const io = { env, cwd: '/', stdin: Readable.from([]), stdout, stderr, signal: stopping.signal };
const context = createContext(io, () => {});
const tell = (event: string, { done, of }: RowsDone) =>
  context.printJson({ event, done, of, rss: process.memoryUsage.rss() });
const limits = { wholeTimeoutMs: 0, rowsWanted: 60, firstSpanMs: DAY_MS };
const request = {
  userId: undefined,
  concurrency: 2,
  restart: false,
  // Killed processes keep theirs for a while.
  slots: 64,
  piecesOf: ({ store }: { store: { tallies: ConstructorParameters<typeof Pieces>[0] } }) =>
    new Pieces(store.tallies, limits),
};
const hooks = {
  onStart: (_: unknown, rows: RowsDone) => tell('start', rows),
  onProgress: (_: unknown, rows: RowsDone) => tell('progress', rows),
};
const done = await withBooks(context, (books) => rebuild(books, request, hooks, stopping.signal));
context.printJson({ event: 'end', ...done });
