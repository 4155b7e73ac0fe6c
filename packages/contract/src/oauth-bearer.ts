import type { Mechanism } from 'kafkajs';
import { type TokenEndpoint, TokenError, TokenSource } from './token-source.ts';

/**
 * OAUTHBEARER (RFC 7628) with tokens from an endpoint. The authenticator of kafkajs takes the broker's description of an
 * error for success, and would report only later, without a reason.
 */
export function oauthBearer(endpoint: TokenEndpoint): Mechanism {
  const tokens = new TokenSource(endpoint);
  return {
    mechanism: 'oauthbearer',
    authenticationProvider: ({ saslAuthenticate }) => ({
      async authenticate() {
        const token = await tokens.token();
        const problem = await saslAuthenticate({
          request: { encode: () => sized(`n,,\u0001auth=Bearer ${token}\u0001\u0001`) },
          response: { decode: (reply) => reply.subarray(SIZE_BYTES), parse: String },
        });
        if (!problem) return;
        // The broker waits for this before it refuses.
        await saslAuthenticate({ request: { encode: () => sized('\u0001') } }).catch(() => {});
        throw new TokenError(`Kafka refused the login: SASL OAUTHBEARER: ${problem}`);
      },
    }),
  };
}

const SIZE_BYTES = 4;

/** As Kafka writes bytes: their number first. */
function sized(text: string): Buffer {
  const bytes = Buffer.from(text);
  const size = Buffer.alloc(SIZE_BYTES);
  size.writeInt32BE(bytes.length);
  return Buffer.concat([size, bytes]);
}
