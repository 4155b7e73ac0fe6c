import { errorOf } from './answers.ts';
import { Deadline } from './deadline.ts';
import { isClientError, TransportError } from './errors.ts';
import { Pause, pauseMsAfter } from './pauses.ts';

/** The characters that a header can carry. */
const SENDABLE = /^[\x21-\x7e]+$/;
const FIRST_PAUSE_MS = 250;
/** Who is asked to wait longer gets the error at once, and can tell people. */
const LONGEST_PAUSE_MS = 10_000;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
/** Of a list, each value is sent. */
export type Query = Readonly<Record<string, string | readonly string[] | undefined>>;

export interface TransportOptions {
  /** Ends with a slash. */
  baseUrl: string;
  /** An API key, a token, or what gives one. */
  credential: string | (() => string | Promise<string>);
  fetch: Fetch;
  timeoutMs: number;
  retriesMax: number;
}

/** Sends GET requests with the credential. */
export class Transport {
  readonly #options: TransportOptions;

  constructor(options: TransportOptions) {
    this.#options = options;
  }

  /**
   * Asks until there is an answer, a bounded number of times, as long as a retry helps.
   * @param read the answer's body; it counts towards the time limit
   * @throws ClientError, or the signal's reason
   */
  async get<T>(
    path: string,
    query: Query,
    signal: AbortSignal | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    for (let failures = 0; ; ) {
      const deadline = new Deadline(this.#options.timeoutMs, signal);
      try {
        return await read(await this.open(path, query, {}, deadline));
      } catch (thrown) {
        const error = deadline.errorOf(thrown);
        failures += 1;
        if (!isClientError(error) || !error.retryable || failures > this.#options.retriesMax) throw error;
        const pauseMs = pauseMsAfter(failures, FIRST_PAUSE_MS, error.retryAfterMs);
        if (pauseMs > LONGEST_PAUSE_MS) throw error;
        deadline.end();
        await new Pause().wait(pauseMs, signal);
      } finally {
        deadline.end();
      }
    }
  }

  /**
   * Asks once; after a 401 once more with another token, if there is one. Resolves with a success.
   * @throws ClientError, or whatever `fetch` throws: `Deadline.errorOf` tells what it means
   */
  async open(
    path: string,
    query: Query,
    headers: Record<string, string>,
    deadline: Deadline,
  ): Promise<Response> {
    const given = Object.entries(query).flatMap(([name, value = []]) =>
      [value].flat().map((one): [string, string] => [name, one]),
    );
    const search = given.length > 0 ? `?${new URLSearchParams(given)}` : '';
    const send = (credential: string) =>
      this.#options.fetch(`${this.#options.baseUrl}${path}${search}`, {
        headers: { ...headers, authorization: `Bearer ${credential}` },
        signal: deadline.signal,
      });
    const credential = await this.#credential(deadline);
    let response = await send(credential);
    if (response.status === 401) {
      const error = await errorOf(response);
      const another = await this.#credential(deadline);
      if (another === credential) throw error;
      response = await send(another);
    }
    if (!response.ok) throw await errorOf(response);
    return response;
  }

  async #credential(deadline: Deadline): Promise<string> {
    const { credential } = this.#options;
    if (typeof credential === 'string') return credential;
    const token = await deadline.within(ask(credential));
    if (isSendable(token)) return token;
    throw new TransportError(
      'TOKEN_UNAVAILABLE',
      'token() gave no token: return a string without spaces.',
      false,
    );
  }
}

export function isSendable(credential: unknown): credential is string {
  return typeof credential === 'string' && SENDABLE.test(credential);
}

async function ask(token: () => string | Promise<string>): Promise<string> {
  try {
    return await token();
  } catch (thrown) {
    throw new TransportError('TOKEN_UNAVAILABLE', 'token() failed.', true, { cause: thrown });
  }
}
