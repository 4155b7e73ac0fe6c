import { randomInt } from 'node:crypto';

const SCORES = 2 ** 32;

/**
 * Samples the users that were added since the last sample: each with the same chance, however many calls they made, at
 * least one user, and never more than `atMost`.
 *
 * A user's score is a hash of their id with the salt of the sample; the lowest scores are kept. So memory is bounded by
 * `atMost`, whatever the number of users, and the next salt favours others.
 */
export class UserSampler {
  readonly #share: number;
  readonly #atMost: number;
  readonly #nextSalt: () => number;
  #salt: number;
  readonly #scores = new Map<string, number>();
  /** The highest score that is kept. */
  #worst: { userId: string; score: number } | undefined;

  /** @param nextSalt an integer below 2³² for each sample */
  constructor(limits: { share: number; atMost: number }, nextSalt: () => number = () => randomInt(SCORES)) {
    this.#share = limits.share;
    this.#atMost = limits.share === 0 ? 0 : limits.atMost;
    this.#nextSalt = nextSalt;
    this.#salt = nextSalt();
  }

  add(userId: string): void {
    if (this.#atMost === 0) return;
    const score = scoreOf(userId, this.#salt);
    const isFull = this.#scores.size === this.#atMost;
    if (this.#scores.has(userId) || (isFull && score >= this.#worst!.score)) return;
    if (isFull) this.#scores.delete(this.#worst!.userId);
    this.#scores.set(userId, score);
    if (this.#scores.size === this.#atMost) this.#worst = this.#findWorst();
  }

  /** Takes the sample and begins the next one. */
  take(): string[] {
    const sample = [...this.#scores].sort(([, a], [, b]) => a - b);
    this.#scores.clear();
    this.#salt = this.#nextSalt();
    const isInShare = ([, score]: [string, number], i: number) => i === 0 || score < this.#share * SCORES;
    return sample.filter(isInShare).map(([userId]) => userId);
  }

  #findWorst(): { userId: string; score: number } {
    let worst = { userId: '', score: -1 };
    for (const [userId, score] of this.#scores) if (score > worst.score) worst = { userId, score };
    return worst;
  }
}

/** FNV-1a with the finalizer of MurmurHash3, so that ids that differ only in the last character get distant scores. */
function scoreOf(userId: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let i = 0; i < userId.length; i++) hash = Math.imul(hash ^ userId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
