import { test } from 'tap';
import { CorsSettings, TokenSettings } from '../src/access-settings.ts';
import { readSettings } from '../src/read-settings.ts';
import { faultsOf } from './faults-of.ts';

const AUTH_ISSUER = 'https://id.example/';
const AUTH_AUDIENCE = 'calltally';

test('tokens are accepted where the address of keys, issuer and audience are given', (t) => {
  const read = (env: Record<string, string>) => readSettings([TokenSettings], env).tokens;
  t.equal(read({}), undefined);
  t.equal(read({ AUTH_USER_CLAIM: 'user' }), undefined);
  const jwksUrl = 'https://id.example/jwks.json';
  const env = { AUTH_JWKS_URL: jwksUrl, AUTH_ISSUER, AUTH_AUDIENCE };
  t.same(read(env), { jwksUrl, issuer: AUTH_ISSUER, audience: AUTH_AUDIENCE, userClaim: 'sub' });
  t.match(read({ ...env, AUTH_USER_CLAIM: 'https://acme.example/user' }), {
    userClaim: 'https://acme.example/user',
  });
  for (const url of [
    'http://localhost:8080/k',
    'http://127.0.0.1/k',
    'http://127.9.9.9/k',
    'http://[::1]:1/k',
  ]) {
    t.match(read({ ...env, AUTH_JWKS_URL: url }), { jwksUrl: url });
  }
  t.end();
});

test('half of the settings for tokens is a fault, and so is an address that others could answer for', (t) => {
  const env = { AUTH_JWKS_URL: 'https://id.example/jwks.json', AUTH_ISSUER, AUTH_AUDIENCE };
  for (const variable of ['AUTH_ISSUER', 'AUTH_AUDIENCE'] as const) {
    t.match(faultsOf([TokenSettings], { ...env, [variable]: '' }), [{ variable, problem: 'is missing' }]);
  }
  t.match(faultsOf([TokenSettings], { AUTH_ISSUER }), [
    { variable: 'AUTH_JWKS_URL', problem: 'is missing', remedy: /unset AUTH_ISSUER/ },
  ]);
  for (const url of [
    'http://id.example/jwks.json',
    'http://127.0.0.1.example/k',
    'http://localhost.example/k',
    'https://user:pass@id.example/k',
    'ftp://id.example/k',
    'file:///etc/keys',
    'id.example/k',
  ]) {
    t.match(faultsOf([TokenSettings], { ...env, AUTH_JWKS_URL: url }), [{ variable: 'AUTH_JWKS_URL' }], url);
  }
  t.end();
});

test('CORS_ORIGINS is a list of exact origins', (t) => {
  const read = (text: string) => readSettings([CorsSettings], { CORS_ORIGINS: text }).cors.origins;
  t.same(readSettings([CorsSettings], {}).cors.origins, []);
  t.same(read('https://app.example, http://localhost:5173,http://[::1]:8080'), [
    'https://app.example',
    'http://localhost:5173',
    'http://[::1]:8080',
  ]);
  for (const text of [
    '*',
    'null',
    'https://*.example',
    'https://app.example/',
    'https://app.example/path',
    'https://app.example:443',
    'https://App.example',
    'HTTPS://app.example',
    'app.example',
    '//app.example',
    'https://user@app.example',
    'file:///index.html',
    'chrome-extension://abc',
    'https://app.example,',
    'https://app.example https://b.example',
    'https://app.example,*',
  ]) {
    t.match(faultsOf([CorsSettings], { CORS_ORIGINS: text }), [{ variable: 'CORS_ORIGINS' }], text);
  }
  t.end();
});
