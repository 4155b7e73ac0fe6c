import { isIPv4 } from 'node:net';
import Type from 'typebox';
import { fragment } from './read-settings.ts';

/** Section `tokens`: the identity provider whose tokens the API accepts; undefined if it accepts API keys alone. */
export const TokenSettings = fragment(
  'tokens',
  Type.Object({
    AUTH_JWKS_URL: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'where the identity provider publishes its public keys (JWKS), for tokens beside API keys; `https`, or ' +
            '`http` on this machine. If unset, only API keys are accepted',
          remedy: 'an https:// URL without user and password; http:// only to this machine',
        }),
        isKeysUrl,
      ),
    ),
    AUTH_ISSUER: Type.Optional(
      Type.String({
        description: 'who must have issued a token: its claim `iss`, exactly. Required with `AUTH_JWKS_URL`',
      }),
    ),
    AUTH_AUDIENCE: Type.Optional(
      Type.String({
        description:
          'for whom a token must be: its claim `aud`, or one of a list there. Required with `AUTH_JWKS_URL`',
      }),
    ),
    AUTH_USER_CLAIM: Type.String({
      default: 'sub',
      description: 'claim of a token that holds the `user_id` of its user',
    }),
  }),
  ({ AUTH_JWKS_URL, AUTH_ISSUER, AUTH_AUDIENCE, AUTH_USER_CLAIM }, report) => {
    for (const [variable, value] of Object.entries({ AUTH_ISSUER, AUTH_AUDIENCE })) {
      if (AUTH_JWKS_URL !== undefined && value === undefined) {
        report([variable, 'AUTH_JWKS_URL'], 'is missing', 'set it, because of AUTH_JWKS_URL');
      }
      if (AUTH_JWKS_URL === undefined && value !== undefined) {
        report(['AUTH_JWKS_URL', variable], 'is missing', `set it, or unset ${variable}`);
      }
    }
    if (AUTH_JWKS_URL === undefined || AUTH_ISSUER === undefined || AUTH_AUDIENCE === undefined)
      return undefined;
    return {
      jwksUrl: AUTH_JWKS_URL,
      issuer: AUTH_ISSUER,
      audience: AUTH_AUDIENCE,
      userClaim: AUTH_USER_CLAIM,
    };
  },
);

function isKeysUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, username, password } = new URL(text);
  const isSafe = protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
  return isSafe && username === '' && password === '';
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || (isIPv4(hostname) && hostname.startsWith('127.'))
  );
}

/** Section `cors`: the origins whose pages may read figures; none if `origins` is empty. */
export const CorsSettings = fragment(
  'cors',
  Type.Object({
    CORS_ORIGINS: Type.Optional(
      Type.Refine(
        Type.String({
          description:
            'origins whose pages may read figures from a browser, separated by commas, exactly as browsers send them ' +
            '(`https://app.example,http://localhost:5173`). If unset, only pages of the API itself may',
          remedy:
            'origins separated by commas, each with scheme and host in lower case, with the port unless it is the ' +
            'default one, without a path: https://app.example; * is not accepted',
        }),
        (text) => parseOrigins(text) !== undefined,
      ),
    ),
  }),
  ({ CORS_ORIGINS }) => ({ origins: parseOrigins(CORS_ORIGINS ?? '') ?? [] }),
);

function isOrigin(text: string): boolean {
  return /^https?:[^*]+$/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}

/** Undefined if any item is not what a browser sends as `Origin`. */
function parseOrigins(text: string): string[] | undefined {
  const items = text.split(',').map((item) => item.trim());
  return items.every(isOrigin) ? items : undefined;
}
