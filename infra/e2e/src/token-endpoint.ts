import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

const LIFE_SECONDS = 300;

/**
 * An OAuth 2 token endpoint that gives Kafka's unsecured tokens to the client `tally` with the secret `right`. For the
 * scope `old` they expired an hour ago.
 */
export class TokenEndpoint {
  readonly #server: Server;
  /** Tokens given so far. */
  given = 0;

  private constructor() {
    this.#server = createServer(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      const { status, answer } = this.#answer(request.headers.authorization, new URLSearchParams(body));
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(JSON.stringify(answer));
    });
  }

  static async start(): Promise<TokenEndpoint> {
    const endpoint = new TokenEndpoint();
    endpoint.#server.listen(0, '127.0.0.1');
    await once(endpoint.#server, 'listening');
    return endpoint;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/token`;
  }

  stop(): void {
    this.#server.close();
  }

  #answer(authorization: string | undefined, form: URLSearchParams): { status: number; answer: object } {
    const expected = `Basic ${Buffer.from('tally:right').toString('base64')}`;
    if (authorization !== expected || form.get('grant_type') !== 'client_credentials')
      return { status: 401, answer: { error: 'invalid_client' } };
    this.given += 1;
    const now = Math.floor(Date.now() / 1_000) - (form.get('scope') === 'old' ? 3_600 : 0);
    const claims = { sub: 'tally', iat: now, exp: now + LIFE_SECONDS };
    const token = `${encoded({ alg: 'none' })}.${encoded(claims)}.`;
    return { status: 200, answer: { access_token: token, token_type: 'Bearer', expires_in: LIFE_SECONDS } };
  }
}

const encoded = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url');
