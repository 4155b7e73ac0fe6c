import { setTimeout as sleep } from 'node:timers/promises';
import {
  type FillQueue,
  hasGeneration,
  readFillQueue,
  reserveUsers,
  withFillSlot,
} from '@calltally/counters';
import { FILL_SLOTS, type Filled, fillPieces } from './fill-pieces.ts';
import type { LedgerContext } from './ledger-context.ts';
import { openCold } from './open-cold.ts';
import { hasDetail, PieceReader } from './piece-reader.ts';

export interface FillerParts {
  /** The present one; undefined while there is no session with Redis. */
  ledger: () => LedgerContext | undefined;
  /** Told of a round that failed. Its users wait and are reserved again. */
  onFailure?: (thrown: unknown) => void;
  slots?: number;
}

/** Users reserved at once: so few that one pipeline does not keep Redis busy. */
const AT_ONCE = { empty: 100, part: 20 };
/** If readers find more users cold than this, the rest wait for their next read or call. */
const ADDED_MAX = 10_000;
const POLL_MS = 100;
const PAUSE_AFTER_FAILURE_MS = 1_000;
const STOP_WITHIN_MS = 1_000;
/** Pause after a round, as a share of its time: others get the slot, and counting and answers get the processors. */
const REST = 0.25;
/** The same if all users of the round had their default window before: nobody is in a hurry. */
const REST_BEHIND_WINDOWS = 3;

/**
 * Fills the users that wait in Redis, in the background. It does not matter who opened them, so it goes on where another
 * process was killed. Each round reserves some users that have nothing yet and some that have a part, so that neither a
 * user with millions of calls nor a hundred thousand with ten keep the others waiting.
 */
export class Filler {
  readonly #parts: FillerParts;
  readonly #stopping = new AbortController();
  readonly #added = new Set<string>();
  #pieceReader: { store: LedgerContext['store']; detail: boolean; pieces: PieceReader } | undefined;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #isIdle = true;
  #whenIdle: (() => void)[] = [];
  /** Pieces that this process has filled in, and the rows added up for them. */
  pieces = 0;
  rows = 0;
  /** As of the last look; undefined while there is no session. */
  queue: FillQueue | undefined;

  constructor(parts: FillerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Begins nothing more, and gives the round a moment to release its slot and users. To cut it off does no harm. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await Promise.race([this.#running, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
  }

  /** For a user whom a reader found cold. They are opened and filled behind the answer. */
  add(userId: string): void {
    if (this.#added.size >= ADDED_MAX) return;
    this.#added.add(userId);
    this.#isIdle = false;
    this.#wake();
  }

  /** Resolves when nobody waits any more, or nobody can be filled at present. */
  async idle(): Promise<void> {
    if (this.#isIdle || this.#stopping.signal.aborted) return;
    await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const began = performance.now();
      try {
        const filled = await this.#round();
        if (filled === undefined) {
          this.#becomeIdle();
          const added = new Promise<void>((resolve) => {
            this.#wake = resolve;
          });
          await Promise.race([this.#pause(POLL_MS), added]);
        } else {
          const rest = filled.hasWindows ? REST_BEHIND_WINDOWS : REST;
          await this.#pause(rest * (performance.now() - began));
        }
      } catch (thrown) {
        if (!this.#stopping.signal.aborted) this.#parts.onFailure?.(thrown);
        this.#becomeIdle();
        // `add` does not end this pause: while Redis has no generation, each read would cause another failure.
        await this.#pause(PAUSE_AFTER_FAILURE_MS);
      }
    }
    this.#becomeIdle();
  }

  /** @returns undefined if there was nothing to do */
  async #round(): Promise<Filled | undefined> {
    const ledger = this.#parts.ledger();
    if (ledger === undefined) {
      this.#added.clear();
      this.queue = undefined;
      return undefined;
    }
    const added = [...this.#added].slice(0, AT_ONCE.empty);
    for (const userId of added) this.#added.delete(userId);
    const { session, generations } = ledger;
    await openCold(
      ledger,
      added.filter((userId) => hasGeneration(session, generations, userId)),
    );
    this.queue = await readFillQueue(ledger.session);
    if (this.queue.users === 0) return undefined;
    const filled = await withFillSlot(ledger.session, this.#parts.slots ?? FILL_SLOTS, async (release) => {
      const userIds = await reserveUsers(ledger.session, AT_ONCE, Date.now());
      if (userIds.length === 0) return undefined;
      return fillPieces(ledger, this.#pieceReaderOf(ledger), userIds, release);
    });
    this.pieces += filled?.pieces ?? 0;
    this.rows += filled?.rows ?? 0;
    return filled;
  }

  /** Kept between rounds, because it remembers the spans of large users. */
  #pieceReaderOf(ledger: LedgerContext): PieceReader {
    const { store } = ledger;
    const detail = hasDetail(ledger);
    if (this.#pieceReader?.store !== store || this.#pieceReader.detail !== detail) {
      this.#pieceReader = { store, detail, pieces: new PieceReader(store.tallies, { detail }) };
    }
    return this.#pieceReader.pieces;
  }

  #becomeIdle(): void {
    // Users added during the round have the next one.
    this.#isIdle = this.#added.size === 0 || this.#stopping.signal.aborted;
    if (!this.#isIdle) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => {});
  }
}
