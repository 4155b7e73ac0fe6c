import Type from 'typebox';
import type { ReportFault } from './faults.ts';

const passwordMechanisms = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
const mechanisms = [...passwordMechanisms, 'oauthbearer'] as const;

/** Where to get tokens for OAUTHBEARER, by the grant of client credentials. */
export interface TokenEndpoint {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly scope?: string;
}

/** The credentials of a Kafka client. */
export type KafkaSasl =
  | {
      readonly mechanism: (typeof passwordMechanisms)[number];
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly tokenEndpoint: TokenEndpoint };

// Kafka writes these names in upper case, its clients for Node in lower case; both are accepted.
const mechanismOf = (text: string) => mechanisms.find((one) => one === text.toLowerCase());

const withPassword = 'required with `plain` and `scram-…`';
const withToken = 'required with `oauthbearer`';

export const saslVariables = {
  KAFKA_SASL_MECHANISM: Type.Optional(
    Type.Refine(
      Type.String({
        description: `SASL mechanism: ${mechanisms.map((one) => `\`${one}\``).join(', ')}`,
        remedy: `one of ${mechanisms.join(', ')}`,
      }),
      (text) => mechanismOf(text) !== undefined,
    ),
  ),
  KAFKA_SASL_USERNAME: Type.Optional(Type.String({ description: withPassword })),
  KAFKA_SASL_PASSWORD: Type.Optional(Type.String({ description: withPassword, inFile: true })),
  KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: Type.Optional(
    Type.Refine(
      Type.String({
        description: `where to get tokens by the OAuth 2 grant of client credentials; ${withToken}`,
        remedy: 'an https:// or http:// URL without user and password',
      }),
      isEndpoint,
    ),
  ),
  KAFKA_SASL_OAUTHBEARER_CLIENT_ID: Type.Optional(Type.String({ description: withToken })),
  KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: Type.Optional(Type.String({ description: withToken, inFile: true })),
  KAFKA_SASL_OAUTHBEARER_SCOPE: Type.Optional(
    Type.String({ description: 'scope of the tokens, if the endpoint wants one' }),
  ),
};

type Values = { readonly [Variable in keyof typeof saslVariables]?: string };

function isEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '';
}

/** The credentials that these variables give, if they are complete. Reports what is missing or without use. */
export function readSasl(values: Values, report: ReportFault): KafkaSasl | undefined {
  const mechanism =
    values.KAFKA_SASL_MECHANISM === undefined ? undefined : mechanismOf(values.KAFKA_SASL_MECHANISM);
  const forPassword = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
  const forToken = [
    'KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL',
    'KAFKA_SASL_OAUTHBEARER_CLIENT_ID',
    'KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET',
  ] as const;
  const usesToken = mechanism === 'oauthbearer';
  const needed = mechanism === undefined ? [] : usesToken ? forToken : forPassword;
  for (const variable of needed) {
    if (values[variable] === undefined)
      report([variable, 'KAFKA_SASL_MECHANISM'], 'is missing', `set it, because of KAFKA_SASL_MECHANISM`);
  }
  for (const [variables, fitting] of [
    [forPassword, passwordMechanisms],
    [[...forToken, 'KAFKA_SASL_OAUTHBEARER_SCOPE'], ['oauthbearer']],
  ] as const) {
    if (mechanism !== undefined && (fitting as readonly string[]).includes(mechanism)) continue;
    for (const variable of variables) {
      if (values[variable] === undefined) continue;
      const problem = mechanism === undefined ? 'is missing' : `does not use ${variable}`;
      report(
        ['KAFKA_SASL_MECHANISM', variable],
        problem,
        `set it to ${fitting.length > 1 ? `one of ${fitting.join(', ')}` : fitting[0]}, or unset ${variable}`,
      );
    }
  }
  return saslOf(mechanism, values);
}

function saslOf(mechanism: (typeof mechanisms)[number] | undefined, values: Values): KafkaSasl | undefined {
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = values;
  const {
    KAFKA_SASL_OAUTHBEARER_TOKEN_ENDPOINT_URL: url,
    KAFKA_SASL_OAUTHBEARER_CLIENT_ID: clientId,
    KAFKA_SASL_OAUTHBEARER_CLIENT_SECRET: clientSecret,
    KAFKA_SASL_OAUTHBEARER_SCOPE: scope,
  } = values;
  if (mechanism === 'oauthbearer') {
    if (url === undefined || clientId === undefined || clientSecret === undefined) return undefined;
    return { mechanism, tokenEndpoint: { url, clientId, clientSecret, ...(scope && { scope }) } };
  }
  if (mechanism === undefined || username === undefined || password === undefined) return undefined;
  return { mechanism, username, password };
}
