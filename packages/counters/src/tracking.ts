import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { trackingKey, userKeyOf } from './keys.ts';
import { RememberedReplies } from './remembered-replies.ts';

/** Where a Redis that speaks RESP2 tells of keys that have changed. */
const CHANNEL = '__redis__:invalidate';
/** Redis was last heard of at most this long ago, or it is asked. */
const HEARD_WITHIN_MS = 1_000;
const PROBE_LIFE_MS = 10_000;
/** What Redis replies where it does not track, or cannot be written to. */
const REFUSES = /^(ERR|NOPERM|READONLY|OOM|MISCONF)\b/;

/**
 * Replies of a master, kept while Redis says nothing else (CLIENT TRACKING). A second connection to the same master is told
 * of each key that was read on the first and has changed: ioredis passes these messages on only to subscribers by RESP2.
 *
 * A reply from memory may be older than Redis by the time of one such message. It contains what came before the last
 * `confirm`.
 */
export class Tracking {
  readonly replies: RememberedReplies;
  readonly #subscriber: Redis;
  #heardAtMs = Number.NEGATIVE_INFINITY;
  /** The last key that has changed. */
  #told = '';

  private constructor(subscriber: Redis, bytesMax: number) {
    this.#subscriber = subscriber;
    this.replies = new RememberedReplies(bytesMax);
    // Redis names the keys, or gives null for all of them.
    subscriber.on('messageBuffer', (_channel: Buffer, keys: Buffer[] | null) => this.#forget(keys));
  }

  /**
   * Has all tracked that is read on `redis` from now on. The two connections end together.
   *
   * @param subscriber a connection to the same master by RESP2. Closed if this fails
   * @param tag a hash tag that lies on the master
   * @returns the reason if Redis refuses to track, or does not do it
   * @throws what the connections throw
   */
  static async start(
    redis: Redis,
    subscriber: Redis,
    { tag, bytesMax }: { tag: number; bytesMax: number },
  ): Promise<Tracking | Error> {
    const tracking = new Tracking(subscriber, bytesMax);
    const end = () => {
      tracking.#heardAtMs = Number.NEGATIVE_INFINITY;
      redis.disconnect();
      subscriber.disconnect();
    };
    try {
      const id = await subscriber.client('ID');
      await subscriber.subscribe(CHANNEL);
      await redis.client('TRACKING', 'ON', 'REDIRECT', id);
      if (!(await tracking.#isTold(redis, trackingKey(tag)))) {
        subscriber.disconnect();
        return new Error('it did not tell of a key that has changed');
      }
    } catch (thrown) {
      subscriber.disconnect();
      if (thrown instanceof Error && REFUSES.test(thrown.message)) return thrown;
      throw thrown;
    }
    for (const one of [redis, subscriber]) {
      if (one.status === 'ready') one.once('close', end);
      else end();
    }
    return tracking;
  }

  /** Whether Redis was heard of just now. A connection that is silent may be dead without knowing it. */
  get isFresh(): boolean {
    return performance.now() - this.#heardAtMs <= HEARD_WITHIN_MS;
  }

  /**
   * Resolves when whatever changed before now has been told, and is forgotten: the answer comes on the same connection,
   * behind the messages.
   */
  async confirm(): Promise<void> {
    const askedAtMs = performance.now();
    await this.#subscriber.ping();
    this.#heardAtMs = askedAtMs;
  }

  #forget(keys: Buffer[] | null): void {
    if (keys === null) this.replies.forgetAll();
    for (const key of keys ?? []) {
      this.#told = key.toString();
      this.replies.forget(userKeyOf(this.#told));
    }
  }

  /** Changes a key that was read. A proxy in between may take the commands, and pass on no message. */
  async #isTold(redis: Redis, key: string): Promise<boolean> {
    await redis.get(key);
    await redis.set(key, randomUUID(), 'PX', PROBE_LIFE_MS);
    await this.confirm();
    return this.#told === key;
  }
}
