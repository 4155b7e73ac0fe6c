/*
 * `rebuild --all` as a process of its own, by pieces so small that a kill falls into the middle of a user. Prints a line
 * of JSON for each event.
 */
import { Readable } from 'node:stream';
import { DAY_MS } from '@calltally/domain';
import { PieceReader } from '@calltally/ledger';
import { rebuild } from '../src/audit/rebuild-run.ts';
import type { RowsDone } from '../src/audit/rows-done.ts';

import { createContext } from '../src/context.ts';
import { withLedger } from '../src/ledger-connection.ts';

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
  piecesOf: ({ store }: { store: { tallies: ConstructorParameters<typeof PieceReader>[0] } }) =>
    new PieceReader(store.tallies, limits),
};
const hooks = {
  onStart: (_: unknown, rows: RowsDone) => tell('start', rows),
  onProgress: (_: unknown, rows: RowsDone) => tell('progress', rows),
};
const done = await withLedger(context, (ledger) => rebuild(ledger, request, hooks, stopping.signal));
context.printJson({ event: 'end', ...done });
