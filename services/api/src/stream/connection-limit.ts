import { ApiError } from '../api-error.ts';

/** How many streams may be open at once. */
export interface StreamLimits {
  perUser: number;
  perProcess: number;
}

/** A wall of dashboards and everybody's open pages; and what one core keeps up with by far. */
export const STREAM_LIMITS: StreamLimits = { perUser: 100, perProcess: 2_000 };

const RETRY_AFTER_S = 5;

/** Who has how many streams. */
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
    if (own >= perUser) throw tooMany(`At most ${perUser} streams of a user are open at once. Close some.`);
    if (this.#taken >= perProcess) {
      throw tooMany(
        'No more streams can be taken here. Try again later, or ask for the dashboard now and then.',
      );
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

function tooMany(message: string): ApiError {
  return new ApiError('TOO_MANY_STREAMS', message, { headers: { 'retry-after': String(RETRY_AFTER_S) } });
}
