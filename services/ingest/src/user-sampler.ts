import { randomInt } from 'node:crypto';

const SCORES = 2 ** 32;

/**
 * A sample of the users that were seen since the last one was taken: of each user the same share, however many calls he
 * made, of a few users still one, and never more than `atMost`.
 *
 * Each user has a score, a hash with the salt of the sample, and those with the least are kept. So nobody need remember
 * who was seen before, memory is bounded by `atMost` whatever the number of users, and the next salt favours others.
 */
export class UserSampler {
  readonly #share: number;
  readonly #atMost: number;
  readonly #nextSalt: () => number;
  #salt: number;
  readonly #scores = new Map<string, number>();
  /** The greatest score that is kept. */
  #worst: { userId: string; score: number } | undefined;

  /** @param nextSalt whole numbers below 2³²; of its own for each sample */
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

  /** The sample, and the beginning of the next one. */
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

/** FNV-1a, then the finalizer of MurmurHash3, so that ids that differ in their last character lie far apart. */
function scoreOf(userId: string, salt: number): number {
  let hash = 0x811c9dc5 ^ salt;
  for (let i = 0; i < userId.length; i++) hash = Math.imul(hash ^ userId.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
