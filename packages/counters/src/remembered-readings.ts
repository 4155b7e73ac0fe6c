import { bytesOf, frozenCopyOf } from './plain-data.ts';

/** What a user and a reading take beside their contents, about. */
const USER_BYTES = 200;
const ENTRY_BYTES = 100;
/** Readings above this are asked for again: a few of them would push out thousands of others. */
const READING_BYTES_MAX = 16_384;
/** A user with more is forgotten, or one who is asked for in thousands of ways would push out all others. */
const USER_BYTES_MAX = 131_072;
/** Share of the memory that stays in use when room is made. */
const KEPT = 31 / 32;
/** So many get a second chance at once, or room for one would take as long as a look at all. */
const SPARED_MAX = 10_000;

/** What is read of a user. */
export interface Question {
  /** The id of the generation that they are of. */
  generation: string;
  userId: string;
  /** All that the reading depends on beside. */
  text: string;
}

interface Entry {
  text: string;
  /** Undefined until it has come. */
  reading: unknown;
  pending: Promise<unknown> | undefined;
}

interface User {
  /** The one that was asked for first: of most users it is the only one. */
  first: Entry | undefined;
  /** By the text of their questions. */
  others: Map<string, Entry> | undefined;
  bytes: number;
  /** Whether it was asked for again since it came, or was kept once more. */
  isWanted: boolean;
}

/**
 * What was read of users of one generation, as long as they have not changed since. Whoever keeps it must forget a user
 * before anything is believed that was said after the change.
 *
 * Memory is bounded. When it is full, the users who came first are dropped. Those among them who were asked for again are
 * kept once more instead, as if they came now, up to 10 000 at a time (a queue with a second chance). So an answer from
 * memory moves nothing.
 */
export class RememberedReadings {
  /** Questions answered from memory since the start. */
  hits = 0;
  /** Those that had to wait for Redis. */
  misses = 0;
  readonly #bytesMax: number;
  #generation = '';
  /** The one who came first is first. */
  readonly #users = new Map<string, User>();
  #bytes = 0;

  /** @param bytesMax of the readings of all users together */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that it takes, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The reading; undefined while it is not known, or if nothing was found. Then it counts neither as hit nor as miss. */
  known<T>({ generation, userId, text }: Question): T | undefined {
    if (generation !== this.#generation) return undefined;
    const user = this.#users.get(userId);
    const entry = user && entryOf(user, text);
    if (entry?.reading === undefined) return undefined;
    user!.isWanted = true;
    this.hits += 1;
    return entry.reading as T;
  }

  /**
   * The reading if it is known; else asks for it, and remembers it unless the user is forgotten in the meantime. Whoever asks
   * the same meanwhile gets the same one.
   *
   * @param question of another generation than before, it forgets all users
   * @param ask gives plain data: what `frozenCopyOf` can copy
   */
  recall<T>({ generation, userId, text }: Question, ask: () => Promise<T>): T | Promise<T> {
    if (generation !== this.#generation) this.forgetAll();
    this.#generation = generation;
    const user = this.#userOf(userId);
    const known = entryOf(user, text);
    if (known !== undefined && known.pending === undefined) {
      this.hits += 1;
      return known.reading as T;
    }
    this.misses += 1;
    if (known !== undefined) return known.pending as Promise<T>;
    // It stands from when the question is sent. If it is gone when the reading comes, the user has changed since.
    const entry: Entry = { text, reading: undefined, pending: undefined };
    const pending = this.#settle(userId, user, entry, ask());
    entry.pending = pending;
    add(user, entry);
    return pending;
  }

  forget(userId: string): void {
    this.#bytes -= this.#users.get(userId)?.bytes ?? 0;
    this.#users.delete(userId);
  }

  forgetAll(): void {
    this.#users.clear();
    this.#bytes = 0;
  }

  async #settle<T>(userId: string, user: User, entry: Entry, asked: Promise<T>): Promise<T> {
    try {
      const reading = await asked;
      const bytes = entry.text.length + bytesOf(reading);
      if (bytes > READING_BYTES_MAX) remove(user, entry);
      else {
        entry.reading = frozenCopyOf(reading);
        this.#grow(userId, user, bytes + ENTRY_BYTES);
      }
      return reading;
    } catch (thrown) {
      remove(user, entry);
      throw thrown;
    } finally {
      entry.pending = undefined;
    }
  }

  #userOf(userId: string): User {
    const known = this.#users.get(userId);
    if (known !== undefined) {
      known.isWanted = true;
      return known;
    }
    const user = { first: undefined, others: undefined, bytes: 0, isWanted: false };
    this.#users.set(userId, user);
    this.#grow(userId, user, userId.length + USER_BYTES);
    return user;
  }

  /** Counts nothing for a user who was forgotten: whoever asks next gets another object. */
  #grow(userId: string, user: User, bytes: number): void {
    if (this.#users.get(userId) !== user) return;
    user.bytes += bytes;
    this.#bytes += bytes;
    if (user.bytes > Math.min(USER_BYTES_MAX, this.#bytesMax)) this.forget(userId);
    if (this.#bytes > this.#bytesMax) this.#makeRoom(user);
  }

  /** Drops others than the user who needs it: many at once, since finding the first of a map costs more than a look. */
  #makeRoom(needs: User): void {
    let spared = 0;
    for (const [userId, user] of this.#users) {
      if (this.#bytes <= this.#bytesMax * KEPT) return;
      if (user === needs) continue;
      if (user.isWanted && spared < SPARED_MAX) {
        spared += 1;
        user.isWanted = false;
        this.#users.delete(userId);
        this.#users.set(userId, user);
      } else this.forget(userId);
    }
  }
}

function entryOf(user: User, text: string): Entry | undefined {
  return user.first?.text === text ? user.first : user.others?.get(text);
}

function add(user: User, entry: Entry): void {
  if (user.first === undefined) user.first = entry;
  else {
    user.others ??= new Map();
    user.others.set(entry.text, entry);
  }
}

function remove(user: User, entry: Entry): void {
  if (user.first === entry) user.first = undefined;
  else user.others?.delete(entry.text);
}
