import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Test } from '@calltally/stack/testing';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { NOW_MS } from '../support.ts';

export const ISSUER = 'https://id.example/';
export const AUDIENCE = 'calltally';
const HOUR_S = 3_600;

/** A key pair of an issuer. */
export interface SigningKey {
  kid: string;
  alg: string;
  privateKey: CryptoKey;
  jwk: JWK;
}

export interface Claims {
  [claim: string]: unknown;
}

/** An identity provider that publishes its keys by HTTP. */
export interface Issuer {
  readonly settings: { jwksUrl: string; issuer: string; audience: string; userClaim: string };
  /** What it publishes. */
  published: SigningKey[];
  /** How it answers, if not with its keys. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined;
  /** Requests for its keys. */
  readonly asked: number;
}

export async function newKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } };
}

/** A token that is valid for an hour from the tests' now; a claim that is undefined is left out. */
export function tokenOf(key: SigningKey, user: string, claims: Claims = {}): Promise<string> {
  const nowS = NOW_MS / 1_000;
  const all = { iss: ISSUER, aud: AUDIENCE, sub: user, iat: nowS, exp: nowS + HOUR_S, ...claims };
  return new SignJWT(all).setProtectedHeader({ alg: key.alg, kid: key.kid }).sign(key.privateKey);
}

export async function startIssuer(t: Test, ...published: SigningKey[]): Promise<Issuer> {
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (issuer.answer) issuer.answer(request, response);
    else response.end(JSON.stringify({ keys: issuer.published.map(({ jwk }) => jwk) }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.close();
    server.closeAllConnections();
  });
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  const issuer: Issuer = {
    settings: { jwksUrl, issuer: ISSUER, audience: AUDIENCE, userClaim: 'sub' },
    published,
    answer: undefined,
    get asked() {
      return asked;
    },
  };
  return issuer;
}
