import { setTimeout as sleep } from 'node:timers/promises';
import type { OutageLog } from '@calltally/http';
import { calculateJwkThumbprint, createLocalJWKSet, errors, type JWTVerifyGetKey } from 'jose';

/** How long a key that was removed may go on counting, with the time of one fetch. */
const REFRESH_MS = 300_000;
/** Between two fetches, however many tokens name unknown keys, and after one that failed. */
const COOLDOWN_MS = 10_000;
const FETCH_TIMEOUT_MS = 3_000;
const BYTES_MAX = 1_048_576;

export interface TokenKeysOptions {
  /** Where the issuer publishes its keys (JWKS). */
  jwksUrl: string;
  refreshMs?: number;
  cooldownMs?: number;
}

interface Keys {
  find: JWTVerifyGetKey;
  thumbprints: ReadonlySet<string>;
}

/** The issuer's keys cannot be read, so that nobody can say whether a token is valid. */
export class KeysAwayError extends Error {
  override readonly name = 'KeysAwayError';
}

/**
 * The public keys of the issuer of tokens, fetched again every few minutes. While they cannot be fetched, those known
 * before go on. jose's createRemoteJWKSet does neither: it gives up keys that are ten minutes old, and asks again for
 * each token after a fetch that failed.
 */
export class TokenKeys {
  readonly #url: string;
  readonly #refreshMs: number;
  readonly #cooldownMs: number;
  readonly #outages: OutageLog;
  readonly #stopping = new AbortController();
  #keys: Keys | undefined;
  #isAway = true;
  #fetching: Promise<void> | undefined;
  /** When the last fetch began, by `performance.now`. */
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor({ jwksUrl, refreshMs, cooldownMs }: TokenKeysOptions, outages: OutageLog) {
    this.#url = jwksUrl;
    this.#refreshMs = refreshMs ?? REFRESH_MS;
    this.#cooldownMs = cooldownMs ?? COOLDOWN_MS;
    this.#outages = outages;
  }

  start(): void {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Whether a key, by its thumbprint (RFC 7638), is one of the issuer's. */
  has(thumbprint: string): boolean {
    return this.#keys?.thumbprints.has(thumbprint) ?? false;
  }

  /**
   * The key that a token names; fetches keys if it is none of those known.
   * @throws JOSEError if the issuer has no such key
   * @throws KeysAwayError if nobody can say
   */
  readonly find: JWTVerifyGetKey = async (header, token) => {
    const known = this.#keys;
    try {
      if (known !== undefined) return await known.find(header, token);
    } catch (thrown) {
      if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown;
    }
    if (performance.now() >= this.#fetchedAtMs + this.#cooldownMs) await this.#fetch();
    else await this.#fetching;
    if (this.#keys === undefined || (this.#isAway && this.#keys === known)) throw new KeysAwayError();
    return this.#keys.find(header, token);
  };

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#fetch();
      const pauseMs = this.#isAway ? this.#cooldownMs : this.#refreshMs;
      await sleep(pauseMs, undefined, { signal }).catch(() => {});
    }
  }

  /** One at a time. Never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#fetchNow().finally(() => {
      this.#fetching = undefined;
    });
    return this.#fetching;
  }

  async #fetchNow(): Promise<void> {
    this.#fetchedAtMs = performance.now();
    const { signal } = this.#stopping;
    try {
      this.#keys = await fetchKeys(this.#url, signal);
      this.#isAway = false;
      this.#outages.back();
    } catch (thrown) {
      this.#isAway = true;
      if (!signal.aborted) this.#outages.away(thrown);
    }
  }
}

async function fetchKeys(url: string, stopping: AbortSignal): Promise<Keys> {
  const response = await fetch(url, {
    // A redirect may lead to keys of somebody else.
    redirect: 'manual',
    signal: AbortSignal.any([stopping, AbortSignal.timeout(FETCH_TIMEOUT_MS)]),
    headers: { accept: 'application/jwk-set+json, application/json' },
  }).catch(({ message, cause }: { message: string; cause?: { code?: string } }) => {
    throw new Error(`AUTH_JWKS_URL cannot be reached: ${cause?.code ?? message}`);
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`AUTH_JWKS_URL answers with status ${response.status}`);
  }
  const set = parsed(await textOf(response));
  const find = createLocalJWKSet(set);
  const keys = set.keys.map((key) => calculateJwkThumbprint(key).catch(() => undefined));
  const thumbprints = (await Promise.all(keys)).filter((one) => one !== undefined);
  return { find, thumbprints: new Set(thumbprints) };
}

async function textOf({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > BYTES_MAX) throw new Error(`AUTH_JWKS_URL answers with more than ${BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function parsed(text: string): Parameters<typeof createLocalJWKSet>[0] {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('AUTH_JWKS_URL answers with something else than JSON');
  }
}
