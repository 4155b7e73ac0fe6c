import { constants, createHmac, generateKeyPairSync, sign } from 'node:crypto';
import type { HookSecret } from '@calltally/hooks';
import { test } from 'tap';
import { type Vector, vectorsOf, verdict } from '../signed.ts';

const vectors = vectorsOf('livekit');
const vector = vectors[0]!;
const CLAIMS = JSON.parse(
  Buffer.from(vector.headers.authorization!.split('.')[1]!, 'base64url').toString(),
) as Record<string, unknown>;

const text = (...texts: string[]): HookSecret[] => texts.map((one) => ({ kind: 'text', text: one }));
const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token that the right secret signed, unless `signBy` does. */
function token(
  claims: object,
  header: object = { alg: 'HS256' },
  signBy = (signed: string) => createHmac('sha256', vector.secret).update(signed).digest(),
): string {
  const signed = `${encoded(header)}.${encoded(claims)}`;
  return `${signed}.${signBy(signed).toString('base64url')}`;
}
const of = (authorization: string | string[] | undefined, changes = {}) =>
  verdict('livekit', vector, { headers: { authorization }, ...changes });

test('only LiveKit can sign, with any of two secrets', async (t) => {
  t.equal(vectors.length, 4);
  for (const one of vectors) {
    t.equal(verdict('livekit', one), undefined, one.name);
    for (const secrets of [text('new', one.secret), text(one.secret, 'old')])
      t.equal(verdict('livekit', one, { secrets }), undefined, `${one.name}: two secrets`);
    for (const secrets of [text('wrong'), text(''), [], [{ kind: 'hash', sha256: one.secret } as const]])
      t.equal(verdict('livekit', one, { secrets }), 'SIGNATURE_INVALID', `${one.name}: wrong secret`);

    const bytes = Buffer.from(one.body);
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const body = Buffer.from(bytes);
      body[at]! ^= 1;
      t.equal(verdict('livekit', one, { body }), 'SIGNATURE_INVALID', `${one.name}: byte ${at} changed`);
    }
  }
  const foreign = token({ ...CLAIMS, iss: 'another account' }, undefined, (signed) =>
    createHmac('sha256', 'secret of another account').update(signed).digest(),
  );
  t.equal(of(foreign), 'SIGNATURE_INVALID', 'signed for another account');
  t.equal(of(vectors[1]!.headers.authorization), 'SIGNATURE_INVALID', 'signed for another webhook');
});

test('a header that is missing, repeated or no token is refused', async (t) => {
  const good = vector.headers.authorization!;
  for (const bad of [
    undefined,
    '',
    [good],
    [good, good],
    `Bearer ${good}`,
    `${good} `,
    `${good},${good}`,
    `${good}=`,
  ])
    t.equal(of(bad), 'SIGNATURE_MISSING', String(bad));
  for (const bad of ['none', 'a.b', `${good}.x`, good.replaceAll('.', '..'), '..'])
    t.equal(of(bad), 'SIGNATURE_MISSING', bad);
  const [head, claims, signature] = good.split('.') as [string, string, string];
  for (const bad of [
    '',
    signature.slice(4),
    `${signature}AAAA`,
    `${signature.slice(0, -1)}_`,
    encoded('none'),
  ])
    t.equal(of(`${head}.${claims}.${bad}`), 'SIGNATURE_INVALID', bad);
  t.equal(of(`${head}.e30.${signature}`), 'SIGNATURE_INVALID', 'other claims');
});

test('no algorithm counts but HS256', async (t) => {
  t.equal(of(token(CLAIMS)), undefined, 'what this test makes is right');
  for (const alg of ['none', 'None', 'NONE', 'hs256', 'HS512', 'RS256', '', undefined, null, ['HS256']]) {
    t.equal(of(token(CLAIMS, { alg })), 'SIGNATURE_INVALID', `HS256 as ${JSON.stringify(alg)}`);
    t.not(of(token(CLAIMS, { alg }, () => Buffer.alloc(0))), undefined, `${JSON.stringify(alg)} unsigned`);
  }
  const hs512 = (signed: string) => createHmac('sha512', vector.secret).update(signed).digest();
  for (const alg of ['HS512', 'HS256']) t.equal(of(token(CLAIMS, { alg }, hs512)), 'SIGNATURE_INVALID', alg);
  t.equal(of(token(CLAIMS, { alg: 'HS256', crit: ['exp'] })), 'SIGNATURE_INVALID', 'an unknown extension');

  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const rs256 = (signed: string) =>
    sign('sha256', Buffer.from(signed), { key: privateKey, padding: constants.RSA_PKCS1_PADDING });
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  for (const alg of ['RS256', 'HS256'])
    t.equal(
      of(token(CLAIMS, { alg }, rs256), { secrets: text(pem) }),
      'SIGNATURE_INVALID',
      `RS256 as ${alg}`,
    );
});

test('a token is stale before its time and after it, by more than a minute', async (t) => {
  const { nbf, exp } = CLAIMS as { nbf: number; exp: number };
  const at = (seconds: number, one: Vector = vector) =>
    verdict('livekit', one, { receivedAtMs: seconds * 1000 });
  for (const fine of [nbf - 60, nbf, exp, exp + 60]) t.equal(at(fine), undefined, String(fine));
  for (const stale of [nbf - 61, exp + 61, 0]) t.equal(at(stale), 'SIGNATURE_STALE', String(stale));
  t.equal(of(token({ ...CLAIMS, nbf: undefined })), undefined, 'a start is not needed');
  t.equal(of(token({ ...CLAIMS, exp: undefined })), 'SIGNATURE_INVALID', 'an end is');
  for (const bad of ['9999999999', null, {}])
    t.equal(of(token({ ...CLAIMS, exp: bad })), 'SIGNATURE_INVALID', `exp ${JSON.stringify(bad)}`);
});

test('a token without the hash of the body proves nothing', async (t) => {
  for (const sha256 of [undefined, '', null, 7, 'AAAA', String(CLAIMS.sha256).slice(0, -1)])
    t.equal(of(token({ ...CLAIMS, sha256 })), 'SIGNATURE_INVALID', String(sha256));
});
