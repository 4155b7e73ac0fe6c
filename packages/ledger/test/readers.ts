import { randomInt } from 'node:crypto';
import type { DashboardReader } from '../src/index.ts';
import { type Live, RANGES, USERS } from './live.ts';
import { byPartition, figuresOf, isOfOneCut } from './one-cut.ts';

/** Readers that check every answer against what is true at that time. */
export class Readers {
  readonly wrong: unknown[] = [];
  readonly sources = new Map<string, number>();
  /** Number of answers older than what had been counted when they were asked for. */
  older = 0;
  /** Redis may have gone back and not have caught up yet. */
  mayBeOlder = false;
  readonly #live: Live;
  readonly #reader: DashboardReader;
  readonly #clock: () => number;
  readonly #remembers: boolean;

  /** @param remembers whether the reader remembers what Redis has said. Then only as-of binds it */
  constructor(live: Live, reader: DashboardReader, clock: () => number, remembers: boolean) {
    this.#live = live;
    this.#reader = reader;
    this.#clock = clock;
    this.#remembers = remembers;
  }

  async read(): Promise<void> {
    const [path, rangeOf] = Object.entries(RANGES)[randomInt(4)]!;
    const userId = USERS[randomInt(USERS.length)]!;
    const { given, acknowledged } = this.#live.users.get(userId)!;
    const nowMs = this.#clock();
    const range = rangeOf(nowMs);
    const counted = byPartition(given.slice(0, acknowledged));
    const couldBeOlder = this.mayBeOlder;
    const reading = await this.#reader.read(userId, range, nowMs);
    const { source, asOfMs } = reading;
    const answer = figuresOf(reading);
    const isAtLeast = (least: number[]) => isOfOneCut(answer, given, least, range, nowMs);
    const promised = byPartition(given.filter(({ sentMs }) => asOfMs !== undefined && sentMs < asOfMs));
    // Rows never go back.
    const wentBack = source !== 'mongo' && (couldBeOlder || this.mayBeOlder);
    const mayBeOlder = wentBack || (source !== 'mongo' && this.#remembers);
    const least = mayBeOlder ? promised : counted.map((calls, i) => Math.max(calls, promised[i]!));
    if (!isAtLeast(least)) {
      const all = byPartition(given);
      this.wrong.push({ path, source, mayBeOlder, nowMs, range, asOfMs, answer, least, counted, all });
    } else if (wentBack && !isAtLeast(counted)) this.older += 1;
    this.sources.set(source, (this.sources.get(source) ?? 0) + 1);
  }
}
