import { setTimeout as sleep } from 'node:timers/promises';
import { type FillQueue, readFillQueue, reserveUsers } from '@calltally/counters';
import { type Filled, fillPieces } from './fill.ts';
import { FILL_SLOTS, withFillSlot } from './fill-slot.ts';
import type { LedgerContext } from './ledger-context.ts';
import { openCold } from './open.ts';
import { PieceReader } from './piece-reader.ts';

export interface FillerParts {
  /** Those of the moment; undefined while there is no session with Redis. */
  ledger: () => LedgerContext | undefined;
  /** Told of a round that was given up; whom it was for waits and is taken again. */
  onFailure?: (thrown: unknown) => void;
  slots?: number;
}

/** Taken at once: few enough that Redis is not kept busy by one pipeline. */
const AT_ONCE = { empty: 100, part: 20 };
/** Beyond so many that readers found cold, the rest wait for their next read or call. */
const ADDED_MAX = 10_000;
const LOOK_EVERY_MS = 100;
const AFTER_FAILURE_MS = 1_000;
const STOP_WITHIN_MS = 1_000;
/** After a round so much of its time is rested, so that others get the slot, and counting and answers the processors. */
const REST = 0.25;
/** The same where all have their default window already: nobody is in a hurry. */
const REST_BEHIND_WINDOWS = 3;

/**
 * Fills users in behind all else: those that wait in Redis, whoever opened them, so that it goes on where another
 * process was killed. Each round takes some that have nothing yet and some that have a part, so that neither a user with
 * millions of calls nor a hundred thousand with ten keep the others waiting.
 */
export class Filler {
  readonly #parts: FillerParts;
  readonly #stopping = new AbortController();
  readonly #added = new Set<string>();
  #pieces: { of: LedgerContext['store']; sums: PieceReader } | undefined;
  #running: Promise<void> = Promise.resolve();
  #wake: () => void = () => {};
  #isIdle = true;
  #whenIdle: (() => void)[] = [];
  /** Pieces filled in by this process, and rows added up for them. */
  pieces = 0;
  rows = 0;
  /** Who waits in Redis, as of the last look; undefined while there is no session. */
  queue: FillQueue | undefined;

  constructor(parts: FillerParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#running = this.#run();
  }

  /**
   * Begins nothing more, and waits a moment for the round under way: it gives its slot and its users back. Cut off, it
   * harms nobody.
   */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await Promise.race([this.#running, sleep(STOP_WITHIN_MS, undefined, { ref: false })]);
  }

  /** A reader found a user cold: they are opened and filled behind the answer. */
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
          await this.#untilAdded(LOOK_EVERY_MS);
        } else {
          const rest = filled.hasWindows ? REST_BEHIND_WINDOWS : REST;
          await this.#pause(rest * (performance.now() - began));
        }
      } catch (thrown) {
        if (!this.#stopping.signal.aborted) this.#parts.onFailure?.(thrown);
        this.#becomeIdle();
        // Not cut short by a reader: while Redis has no generation each of their reads would be a failure more.
        await this.#pause(AFTER_FAILURE_MS);
      }
    }
    this.#becomeIdle();
  }

  /** @returns undefined where there was nothing to do */
  async #round(): Promise<Filled | undefined> {
    const ledger = this.#parts.ledger();
    if (ledger === undefined) {
      this.#added.clear();
      this.queue = undefined;
      return undefined;
    }
    const added = [...this.#added].slice(0, AT_ONCE.empty);
    for (const userId of added) this.#added.delete(userId);
    await openCold(ledger, added);
    this.queue = await readFillQueue(ledger.session);
    if (this.queue.users === 0) return undefined;
    const filled = await withFillSlot(ledger.session, this.#parts.slots ?? FILL_SLOTS, async () => {
      const userIds = await reserveUsers(ledger.session, AT_ONCE, Date.now());
      return userIds.length === 0 ? undefined : fillPieces(ledger, this.#piecesOf(ledger), userIds);
    });
    this.pieces += filled?.pieces ?? 0;
    this.rows += filled?.rows ?? 0;
    return filled;
  }

  #piecesOf({ store }: LedgerContext): PieceReader {
    if (this.#pieces?.of !== store) this.#pieces = { of: store, sums: new PieceReader(store.tallies) };
    return this.#pieces.sums;
  }

  #becomeIdle(): void {
    // Who was added during the round has the next one.
    this.#isIdle = this.#added.size === 0 || this.#stopping.signal.aborted;
    if (!this.#isIdle) return;
    for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  async #pause(pauseMs: number): Promise<void> {
    await sleep(pauseMs, undefined, { ref: false, signal: this.#stopping.signal }).catch(() => {});
  }

  async #untilAdded(pauseMs: number): Promise<void> {
    const added = new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    await Promise.race([this.#pause(pauseMs), added]);
  }
}
