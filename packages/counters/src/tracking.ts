import { randomUUID } from 'node:crypto';
import { type Redis, ReplyError } from 'ioredis';
import { trackingKey, userIdOf } from './keys.ts';
import { RememberedReadings } from './remembered-readings.ts';
import { scriptOf } from './scripts.ts';

/** Where Redis tells subscribers by RESP2 which keys have changed. */
const CHANNEL = '__redis__:invalidate';
/** What is remembered is believed so long after the last time that it was confirmed. */
const BELIEVED_MS = 1_000;
const PROBE_LIFE_MS = 10_000;

/**
 * What was read of a master, kept while Redis says nothing else (CLIENT TRACKING). A second connection to the same master is told
 * of each key that was read on the first and has changed: ioredis passes these messages on only to subscribers by RESP2.
 *
 * A reading from memory may be older than Redis by the time of one such message. It contains what came before the last
 * `confirm`.
 */
export class Tracking {
  readonly readings: RememberedReadings;
  readonly #subscriber: Redis;
  #believedUntilMs = Number.NEGATIVE_INFINITY;
  /** The last key that has changed. */
  #told = '';

  private constructor(subscriber: Redis, bytesMax: number) {
    this.#subscriber = subscriber;
    this.readings = new RememberedReadings(bytesMax);
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
    try {
      const id = await subscriber.client('ID');
      await subscriber.subscribe(CHANNEL);
      await redis.client('TRACKING', 'ON', 'REDIRECT', id);
      if (!(await tracking.#isTold(redis, trackingKey(tag)))) {
        throw new ReplyError('it did not tell of a key that has changed');
      }
    } catch (thrown) {
      subscriber.disconnect();
      if (!(thrown instanceof ReplyError)) throw thrown;
      await redis.client('TRACKING', 'OFF').catch(() => {});
      return thrown as Error;
    }
    const end = () => {
      tracking.#believedUntilMs = Number.NEGATIVE_INFINITY;
      tracking.readings.forgetAll();
      redis.disconnect();
      subscriber.disconnect();
    };
    for (const one of [redis, subscriber]) {
      if (one.status === 'ready') one.once('close', end);
      else end();
    }
    return tracking;
  }

  /** Whether what is remembered may be believed. A connection that is silent may be dead without knowing it. */
  get isBelieved(): boolean {
    return performance.now() <= this.#believedUntilMs;
  }

  /**
   * Resolves when whatever changed before now has been told, and is forgotten: the answer comes on the same connection,
   * behind the messages.
   */
  async confirm(): Promise<void> {
    await this.#subscriber.ping();
  }

  /** As `confirm`, right after the master has shown that it may be read. */
  async believe(): Promise<void> {
    const askedAtMs = performance.now();
    await this.confirm();
    this.#believedUntilMs = askedAtMs + BELIEVED_MS;
  }

  #forget(keys: Buffer[] | null): void {
    if (keys === null) this.readings.forgetAll();
    for (const key of keys ?? []) {
      this.#told = key.toString();
      const userId = userIdOf(this.#told);
      if (userId !== undefined) this.readings.forget(userId);
    }
  }

  /**
   * Reads a key by a script, as users are read, and changes it. A proxy in between may take the commands, and pass on no
   * message; the two connections may lead to different servers.
   */
  async #isTold(redis: Redis, key: string): Promise<boolean> {
    await scriptOf(redis, 'window-sums')(1, key, '');
    await redis.hset(key, 'g', randomUUID());
    await redis.pexpire(key, PROBE_LIFE_MS);
    await this.confirm();
    return this.#told === key;
  }
}
