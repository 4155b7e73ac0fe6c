import { ApiError } from '../api-error.ts';

/** How many streams may be open at once. */
export interface StreamLimits {
  perUser: number;
  perProcess: number;
}

/** Enough for a wall of dashboards and every open page of a user, and well within what one core can serve. */
export const STREAM_LIMITS: StreamLimits = { perUser: 100, perProcess: 2_000 };

/** Counts open streams by user and in total. */
export class ConnectionLimit {
  readonly #limits: StreamLimits;
  readonly #byUser = new Map<string, number>();
  #taken = 0;

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @throws ApiError TOO_MANY_STREAMS */
  take(userId: string): void {
    const { perUser, perProcess } = this.#limits;
    const own = this.#byUser.get(userId) ?? 0;
    if (own >= perUser) {
      const message = `At most ${perUser} streams of a user may be open at once. Close some.`;
      throw new ApiError('TOO_MANY_STREAMS', { message });
    }
    if (this.#taken >= perProcess) {
      const message =
        'No more streams can be opened here. Try again later, or ask for the dashboard from time to time.';
      throw new ApiError('TOO_MANY_STREAMS', { message });
    }
    this.#byUser.set(userId, own + 1);
    this.#taken += 1;
  }

  leave(userId: string): void {
    const own = this.#byUser.get(userId) ?? 0;
    if (own > 1) this.#byUser.set(userId, own - 1);
    else this.#byUser.delete(userId);
    this.#taken -= 1;
  }
}
