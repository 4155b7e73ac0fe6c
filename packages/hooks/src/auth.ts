import { standardKey } from './standard-key.ts';

/** How a platform authenticates, where an operator chooses it. Names of headers in any case. */
export type HookAuth =
  /**
   * It sends the secret itself: in `header`, or else in `Authorization`, as `Bearer SECRET` or as the password of `Basic`. A
   * repetition cannot be told.
   */
  | { scheme: 'secret'; header?: string }
  | HmacAuth
  /** `t=<epoch seconds>,v1=<hex>` in `header`, as Stripe does: HMAC-SHA256 of `<t>.<body>`. */
  | { scheme: 'timestamped'; header: string }
  /** `webhook-id`, `webhook-timestamp` and `webhook-signature`, by https://www.standardwebhooks.com. */
  | { scheme: 'standard-webhooks' };

/** An HMAC of the body in `header`, as GitHub, Slack and Zoom do. */
export interface HmacAuth {
  scheme: 'hmac-sha256' | 'hmac-sha1';
  header: string;
  /** Of the HMAC; default `hex`. */
  encoding?: 'hex' | 'base64';
  /** What the header has before the HMAC, such as `sha256=`. */
  prefix?: string;
  /** The header with the time of the signature, in epoch seconds or ms. Without one, a repetition cannot be told. */
  timestampHeader?: string;
  /** What is signed; default `{timestamp}.{body}` with a `timestampHeader`, `{body}` without. */
  signed?: string;
}

const HEADER = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** What is wrong with it, and what to do; undefined if it can be used. Takes any JSON. */
export function authFault(auth: HookAuth): string | undefined {
  if (auth.scheme === 'standard-webhooks') return undefined;
  if (auth.scheme === 'secret')
    return auth.header === undefined ? undefined : headerFault('header', auth.header);
  if (auth.scheme === 'timestamped') return headerFault('header', auth.header);
  if (auth.scheme !== 'hmac-sha256' && auth.scheme !== 'hmac-sha1') {
    return `the scheme ${JSON.stringify((auth as HookAuth).scheme)} is unknown; it must be secret, hmac-sha256, hmac-sha1, timestamped or standard-webhooks`;
  }
  const { header, encoding, timestampHeader, signed } = auth;
  if (encoding !== undefined && encoding !== 'hex' && encoding !== 'base64') {
    return `the encoding ${JSON.stringify(encoding)} is unknown; it must be hex or base64`;
  }
  if (signed !== undefined && !/^(?:[^{}]|\{timestamp\})*\{body\}$/.test(signed)) {
    return `what is signed is ${JSON.stringify(signed)}; it must end with {body}, such as v0:{timestamp}:{body}`;
  }
  if (timestampHeader === undefined && signed?.includes('{timestamp}')) {
    return 'a time is signed; name the header that it comes in';
  }
  // Otherwise anybody could give an old webhook a new time.
  if (timestampHeader !== undefined && signed !== undefined && !signed.includes('{timestamp}')) {
    return 'the time is not signed, so it proves nothing; sign {timestamp}, or leave its header out';
  }
  return (
    headerFault('header', header) ??
    (timestampHeader === undefined ? undefined : headerFault('header of the time', timestampHeader))
  );
}

function headerFault(what: string, name: string): string | undefined {
  return typeof name === 'string' && HEADER.test(name)
    ? undefined
    : `the ${what} is ${JSON.stringify(name)}; it must be the name of a header`;
}

/** What is wrong with a secret that the platform gave; undefined if it can be used. */
export function secretFault(auth: HookAuth, secret: string): string | undefined {
  if (secret === '') return 'the secret is empty; take it from the platform';
  return auth.scheme === 'standard-webhooks' && standardKey(secret) === undefined
    ? 'the secret is no key of Standard Webhooks, which is whsec_ and at least 16 bytes in base64'
    : undefined;
}
