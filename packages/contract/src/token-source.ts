import {
  allowInsecureRequests,
  ClientSecretBasic,
  clientCredentialsGrantRequest,
  processClientCredentialsResponse,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi';
import pRetry from 'p-retry';

/** Where to get tokens for OAUTHBEARER, by the OAuth 2 grant of client credentials. */
export interface TokenEndpoint {
  url: string;
  clientId: string;
  clientSecret: string;
  scope?: string;
}

/** No token could be had, or Kafka refuses it. Has no cause, because kafkajs would report that in its place. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  /** kafkajs would repeat the handshake on the same connection, and report only that Kafka does not want it twice. */
  readonly retriable = false;
}

const TIMEOUT_MS = 3_000;
const RETRY = { retries: 2, minTimeout: 300 };
/** A token is renewed when this share of its life is left, or this time if that is less. */
const REST_SHARE = 0.2;
const REST_MAX_MS = 60_000;

interface Token {
  value: string;
  renewAtMs: number;
  expiresAtMs: number;
}

/** Asks for a token when one is needed, and keeps it until shortly before it expires. */
export class TokenSource {
  readonly #endpoint: TokenEndpoint;
  readonly #now: () => number;
  #token: Token | undefined;
  #asking: Promise<Token> | undefined;

  /** @param now monotonic milliseconds */
  constructor(endpoint: TokenEndpoint, now: () => number = () => performance.now()) {
    this.#endpoint = endpoint;
    this.#now = now;
  }

  /** @throws TokenError */
  async token(): Promise<string> {
    const known = this.#token;
    if (known !== undefined && this.#now() < known.renewAtMs) return known.value;
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    try {
      this.#token = await this.#asking;
      return this.#token.value;
    } catch (thrown) {
      if (known !== undefined && this.#now() < known.expiresAtMs) return known.value;
      throw thrown;
    }
  }

  async #ask(): Promise<Token> {
    try {
      return await pRetry(() => this.#request(), {
        ...RETRY,
        shouldRetry: ({ error }) => refusalIn(error) === undefined,
      });
    } catch (thrown) {
      throw tokenError(thrown);
    }
  }

  async #request(): Promise<Token> {
    const { url, clientId, clientSecret, scope } = this.#endpoint;
    const server = { issuer: url, token_endpoint: url };
    const client = { client_id: clientId };
    const askedAtMs = this.#now();
    const response = await clientCredentialsGrantRequest(
      server,
      client,
      ClientSecretBasic(clientSecret),
      scope === undefined ? {} : { scope },
      // Whoever set the URL has chosen whether to encrypt.
      { [allowInsecureRequests]: true, signal: AbortSignal.timeout(TIMEOUT_MS) },
    );
    const answer = await processClientCredentialsResponse(server, client, response);
    const { access_token: value, expires_in: lifeSeconds = 0 } = answer;
    const lifeMs = lifeSeconds * 1_000;
    const expiresAtMs = askedAtMs + lifeMs;
    return { value, expiresAtMs, renewAtMs: expiresAtMs - Math.min(lifeMs * REST_SHARE, REST_MAX_MS) };
  }
}

function refusalIn(thrown: unknown): string | undefined {
  if (thrown instanceof WWWAuthenticateChallengeError) return `status ${thrown.status}`;
  if (!(thrown instanceof ResponseBodyError)) return undefined;
  const { error, error_description: description } = thrown;
  return description === undefined ? error : `${error}, ${description}`;
}

function tokenError(thrown: unknown): TokenError {
  const refusal = refusalIn(thrown);
  if (refusal !== undefined) return new TokenError(`the token endpoint for Kafka refused: ${refusal}`);
  const { name, message, cause } = thrown as Error;
  const why = name === 'TimeoutError' ? `no answer within ${TIMEOUT_MS} ms` : message;
  const deeper = cause instanceof Error && cause.message !== '' ? ` (${cause.message})` : '';
  return new TokenError(`no token for Kafka: ${why}${deeper}`);
}
