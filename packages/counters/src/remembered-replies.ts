/** What a user and a question take beside their texts, about: objects and entries of maps. */
const USER_BYTES = 250;
const ENTRY_BYTES = 150;
const STRING_BYTES = 24;
const BUFFER_BYTES = 120;
/** Replies above this are asked for again: a few of them would push out thousands of others. */
const REPLY_BYTES_MAX = 16_384;
/** A user with more is forgotten, or one who is asked for in thousands of ways would push out all others. */
const USER_BYTES_MAX = 131_072;

interface Entry {
  /** Undefined until it has come. */
  reply: unknown;
  pending: Promise<unknown> | undefined;
}

interface User {
  /** By question. */
  entries: Map<string, Entry>;
  bytes: number;
}

/**
 * Replies of Redis about users, as long as they have not changed since. Whoever keeps it must forget a user before
 * anything is believed that was said after the change.
 *
 * Memory is bounded: users are kept in two halves. When the younger one is full, it becomes the older one, whose users are
 * dropped; a user of the older one who is asked for moves to the younger one.
 */
export class RememberedReplies {
  /** Questions answered from memory since the start. */
  hits = 0;
  /** Those that had to wait for Redis. */
  misses = 0;
  readonly #bytesMax: number;
  #young = new Map<string, User>();
  #old = new Map<string, User>();
  #youngBytes = 0;
  #oldBytes = 0;

  /** @param bytesMax of the replies of all users together */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes that it takes, about. */
  get bytes(): number {
    return this.#youngBytes + this.#oldBytes;
  }

  /**
   * The reply if it is known; else asks for it, and remembers it unless the user is forgotten in the meantime. Whoever asks
   * the same meanwhile gets the same reply.
   */
  recall<T>(userKey: string, question: string, ask: () => Promise<T>): T | Promise<T> {
    const user = this.#userOf(userKey);
    const known = user.entries.get(question);
    if (known !== undefined && known.pending === undefined) {
      this.hits += 1;
      return known.reply as T;
    }
    this.misses += 1;
    if (known !== undefined) return known.pending as Promise<T>;
    // It stands from when the question is sent. If it is gone when the reply comes, the user has changed since.
    const entry: Entry = { reply: undefined, pending: undefined };
    const pending = this.#settle(userKey, user, question, entry, ask());
    entry.pending = pending;
    user.entries.set(question, entry);
    return pending;
  }

  forget(userKey: string): void {
    this.#youngBytes -= this.#young.get(userKey)?.bytes ?? 0;
    this.#young.delete(userKey);
    this.#oldBytes -= this.#old.get(userKey)?.bytes ?? 0;
    this.#old.delete(userKey);
  }

  forgetAll(): void {
    this.#young = new Map();
    this.#old = new Map();
    this.#youngBytes = 0;
    this.#oldBytes = 0;
  }

  async #settle<T>(
    userKey: string,
    user: User,
    question: string,
    entry: Entry,
    asked: Promise<T>,
  ): Promise<T> {
    try {
      const reply = await asked;
      const bytes = question.length + bytesOf(reply);
      if (bytes > REPLY_BYTES_MAX) user.entries.delete(question);
      else {
        entry.reply = copyOf(reply);
        this.#grow(userKey, user, bytes + ENTRY_BYTES);
      }
      return reply;
    } catch (thrown) {
      user.entries.delete(question);
      throw thrown;
    } finally {
      entry.pending = undefined;
    }
  }

  #userOf(userKey: string): User {
    const young = this.#young.get(userKey);
    if (young !== undefined) return young;
    const user = this.#old.get(userKey) ?? { entries: new Map(), bytes: userKey.length + USER_BYTES };
    if (this.#old.delete(userKey)) this.#oldBytes -= user.bytes;
    if (this.#youngBytes + user.bytes > this.#bytesMax / 2) this.#turnOld();
    this.#young.set(userKey, user);
    this.#youngBytes += user.bytes;
    return user;
  }

  #turnOld(): void {
    this.#old = this.#young;
    this.#oldBytes = this.#youngBytes;
    this.#young = new Map();
    this.#youngBytes = 0;
  }

  /** Counts nothing for a user who was forgotten: whoever asks next gets another object. */
  #grow(userKey: string, user: User, bytes: number): void {
    if (this.#young.get(userKey) === user) this.#youngBytes += bytes;
    else if (this.#old.get(userKey) === user) this.#oldBytes += bytes;
    else return;
    user.bytes += bytes;
    if (user.bytes > USER_BYTES_MAX) this.forget(userKey);
    if (this.bytes > this.#bytesMax) this.#turnOld();
  }
}

/** The buffers of a reply are parts of what came from the network, and each keeps all of that: here they share one of their own. */
function copyOf(reply: unknown): unknown {
  const own = Buffer.allocUnsafeSlow(bufferBytesOf(reply));
  let end = 0;
  const copy = (one: unknown): unknown => {
    if (Array.isArray(one)) return one.map(copy);
    if (!Buffer.isBuffer(one)) return one;
    const start = end;
    end += one.copy(own, start);
    return own.subarray(start, end);
  };
  return copy(reply);
}

function bufferBytesOf(reply: unknown): number {
  if (Array.isArray(reply)) return reply.reduce<number>((sum, one) => sum + bufferBytesOf(one), 0);
  return Buffer.isBuffer(reply) ? reply.length : 0;
}

function bytesOf(reply: unknown): number {
  if (Array.isArray(reply)) return reply.reduce<number>((sum, one) => sum + bytesOf(one), 16);
  if (Buffer.isBuffer(reply)) return reply.length + BUFFER_BYTES;
  return typeof reply === 'string' ? reply.length + STRING_BYTES : 8;
}
