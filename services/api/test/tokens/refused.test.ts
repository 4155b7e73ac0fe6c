import { createHmac, randomBytes } from 'node:crypto';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, importJWK, SignJWT } from 'jose';
import { type Test, test } from 'tap';
import { type Answer, callsAt, NOW_MS, testApi, testWorld } from '../support.ts';
import { AUDIENCE, ISSUER, newKey, startIssuer, tokenOf } from './issuer.ts';

const DASHBOARD = '/analytics/dashboard';
const NOW_S = NOW_MS / 1_000;

const codeOf = ({ status, body }: Answer) => [status, body.error?.code];
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

test('tokens open what their claims say, and whatever is wrong with one is a 401 that says what', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const [key, rsa, ed] = await Promise.all([newKey('k1'), newKey('k2', 'RS256'), newKey('k3', 'EdDSA')]);
  const issuer = await startIssuer(t, key, rsa, ed);
  const now = { ms: NOW_MS };
  const { get: getFromOne, app } = await testApi(t, world, {
    tokens: { ...issuer.settings, cooldownMs: 0 },
    now,
  });
  let clients = 0;

  /** From a client of its own, so that failures do not add up. */
  async function get(path: string, token?: string): Promise<Answer> {
    clients += 1;
    const response = await app.inject({
      url: path,
      remoteAddress: `10.0.${clients >> 8}.${clients & 255}`,
      headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    });
    return { status: response.statusCode, headers: response.headers, body: response.json() };
  }
  const apiKey = await world.keyOf('u');

  async function isRefused(t: Test, token: string, message: RegExp, what: string): Promise<void> {
    const answer = await get(DASHBOARD, token);
    t.same(codeOf(answer), [401, 'INVALID_TOKEN'], what);
    t.match(answer.body.message, message, what);
    t.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"', what);
    t.equal(answer.headers['x-tally-source'], undefined, what);
  }

  await t.test('a token of its user, by each kind of key, again and again', async (t) => {
    for (const signing of [key, rsa, ed]) {
      const token = await tokenOf(signing, 'u');
      for (let i = 0; i < 3; i++)
        t.equal((await get(DASHBOARD, token)).body.data?.calls_today, 1, signing.alg);
    }
    const forMany = await tokenOf(key, 'u', { aud: ['other', AUDIENCE] });
    t.equal((await get(DASHBOARD, forMany)).status, 200);
    t.equal((await get(DASHBOARD, apiKey)).status, 200, 'and keys beside them');
  });

  await t.test('it opens no other user, and no other user opens with it', async (t) => {
    const token = await tokenOf(key, 'u');
    t.same(codeOf(await get(`${DASHBOARD}?user_id=v`, token)), [401, 'OTHER_USER']);
    t.equal((await get(`${DASHBOARD}?user_id=u`, token)).status, 200);
    const odd = await tokenOf(key, '+49 💬');
    t.equal((await get(`${DASHBOARD}?user_id=${encodeURIComponent('+49 💬')}`, odd)).status, 200);
    for (const more of [{ scope: 'write' }, { platform: true }, { scope: 'read write', user_id: 'v' }]) {
      const wide = await tokenOf(key, 'u', more);
      t.same(codeOf(await get(`${DASHBOARD}?user_id=v`, wide)), [401, 'OTHER_USER'], 'claims widen nothing');
    }
  });

  await t.test('claims', async (t) => {
    const cases: [claims: Record<string, unknown>, message: RegExp][] = [
      [{ iss: 'https://other.example/' }, /issuer.*\(iss\)/],
      [{ iss: ISSUER.slice(0, -1) }, /\(iss\)/],
      [{ iss: undefined }, /\(iss\)/],
      [{ aud: 'other' }, /\(aud\)/],
      [{ aud: ['other'] }, /\(aud\)/],
      [{ aud: undefined }, /\(aud\)/],
      [{ exp: undefined }, /\(exp\)/],
      [{ exp: NOW_S - 3_600 }, /has expired/],
      [{ exp: String(NOW_S + 3_600) }, /./],
      [{ nbf: NOW_S + 600 }, /not valid yet/],
      [{ sub: undefined }, /names no user in its claim "sub"/],
      [{ sub: '' }, /names no user/],
      [{ sub: 7 }, /names no user/],
      [{ sub: null }, /names no user/],
      [{ sub: ['u'] }, /names no user/],
      [{ sub: { toString: 'u' } }, /names no user/],
      [{ sub: ' u' }, /names no user/],
      [{ sub: 'a\u0000b' }, /names no user/],
      [{ sub: '\ud800' }, /names no user/],
      [{ sub: 'x'.repeat(257) }, /names no user/],
    ];
    for (const [claims, message] of cases) {
      await isRefused(t, await tokenOf(key, 'u', claims), message, JSON.stringify(claims));
    }
  });

  await t.test('signatures', async (t) => {
    const token = await tokenOf(key, 'u');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'u', exp: NOW_S + 3_600 };
    await isRefused(
      t,
      `${header}.${base64url({ ...claims, sub: 'v' })}.${signature}`,
      /signature/,
      'other claims',
    );
    await isRefused(
      t,
      `${header}.${payload}.${randomBytes(64).toString('base64url')}`,
      /signature/,
      'random',
    );
    await isRefused(t, `${header}.${payload}.`, /./, 'no signature');
    for (const alg of ['none', 'None', 'NONE', '']) {
      await isRefused(t, `${base64url({ alg })}.${base64url(claims)}.`, /./, `alg ${alg}`);
      await isRefused(
        t,
        `${base64url({ alg, kid: 'k2' })}.${base64url(claims)}.${signature}`,
        /./,
        `alg ${alg}`,
      );
    }
    // The public key as the secret of an HMAC, in each spelling in which it may be at hand.
    const publicKey = (await importJWK(rsa.jwk, 'RS256', { extractable: true })) as CryptoKey;
    for (const secret of [await exportSPKI(publicKey), JSON.stringify(rsa.jwk), rsa.jwk.n!]) {
      for (const bytes of [secret, `${secret}\n`, Buffer.from(secret, 'base64url')]) {
        const signed = `${base64url({ alg: 'HS256', kid: 'k2' })}.${base64url(claims)}`;
        const hmac = createHmac('sha256', bytes).update(signed).digest('base64url');
        await isRefused(t, `${signed}.${hmac}`, /has an algorithm that is none of RS256/, 'HS256');
      }
    }
    const stranger = await newKey('k1');
    await isRefused(t, await tokenOf(stranger, 'u'), /signature/, 'the kid of another key');
    await isRefused(
      t,
      await tokenOf({ ...rsa, kid: 'k1' }, 'u'),
      /does not publish/,
      'of another kind of key',
    );
    await isRefused(t, await tokenOf(await newKey('k9'), 'u'), /does not publish/, 'an unknown kid');
    const { publicKey: own, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const carried = { alg: 'ES256', jwk: await exportJWK(own), jku: issuer.settings.jwksUrl, kid: 'k1' };
    await isRefused(
      t,
      await new SignJWT(claims).setProtectedHeader(carried).sign(privateKey),
      /signature/,
      'a key that the token brings along',
    );
    const nameless = await new SignJWT(claims).setProtectedHeader({ alg: 'ES256' }).sign(key.privateKey);
    t.equal((await get(DASHBOARD, nameless)).status, 200, 'no kid, where one key only can be meant');
    issuer.published.push(await newKey('k4'));
    t.equal((await get(DASHBOARD, await tokenOf(issuer.published.at(-1)!, 'u'))).status, 200);
    const again = await new SignJWT({ ...claims, iat: 1 })
      .setProtectedHeader({ alg: 'ES256' })
      .sign(key.privateKey);
    await isRefused(t, again, /does not say which of the keys/, 'no kid, and two keys that can be meant');
  });

  await t.test('what only looks like a token', async (t) => {
    for (const text of [
      '.',
      '..',
      'a.b.c',
      'eyJ.eyJ.x',
      `${await tokenOf(key, 'u')}.x`,
      `x${await tokenOf(key, 'u')}`,
    ]) {
      await isRefused(t, text, /./, text.slice(0, 20));
    }
    const send = async (authorization: string) =>
      (await app.inject({ url: DASHBOARD, headers: { authorization } })).json().error.code;
    const token = await tokenOf(key, 'u');
    t.equal(await send(token), 'MISSING_API_KEY', 'without a scheme');
    t.equal(await send(`Basic ${token}`), 'MISSING_API_KEY');
    t.equal(
      (await get(`${DASHBOARD}?access_token=${token}`)).body.error.code,
      'MISSING_API_KEY',
      'in the query',
    );
  });

  await t.test('one that is not a token is told what it is told without tokens', async (t) => {
    const cases = [undefined, 'x', `ct_${'A'.repeat(43)}`, `${apiKey}x`, await world.keyOf('u', new Date(0))];
    const alone = await testApi(t, world);
    for (const one of cases) {
      const [with_, without] = await Promise.all([get(DASHBOARD, one), alone.get(DASHBOARD, one)]);
      t.same([with_.status, with_.body], [without.status, without.body]);
      t.equal(with_.headers['www-authenticate'], without.headers['www-authenticate']);
    }
    const token = await tokenOf(key, 'u');
    t.same(codeOf(await alone.get(DASHBOARD, token)), [401, 'INVALID_API_KEY'], 'tokens are off');
    const { apiKey: writer } = await world.store.apiKeys.create({ userId: 'u', scope: 'write' });
    t.same(codeOf(await get(DASHBOARD, writer)), [403, 'SCOPE_MISSING']);
  });

  await t.test('from the moment of its expiry, also if it is known', async (t) => {
    const token = await tokenOf(key, 'u', { exp: NOW_S + 60 });
    t.equal((await get(DASHBOARD, token)).status, 200);
    now.ms = NOW_MS + 64_999;
    t.equal((await get(DASHBOARD, token)).status, 200, 'clocks may differ by five seconds');
    now.ms = NOW_MS + 65_000;
    await isRefused(t, token, /has expired/, 'known');
    now.ms = NOW_MS;
  });

  await t.test('too many that are wrong are told to wait, and a new one passes all the same', async (t) => {
    const wrong = await tokenOf(await newKey('k1'), 'u');
    const answers = await Promise.all(Array.from({ length: 120 }, () => getFromOne(DASHBOARD, wrong)));
    const codes = new Set(answers.map(({ body }) => body.error.code));
    t.same([...codes].sort(), ['INVALID_TOKEN', 'TOO_MANY_FAILURES']);
    t.equal((await getFromOne(DASHBOARD, await tokenOf(key, 'u', { jti: 'x' }))).status, 200);
  });
});

test('the claim of the user is the one that is set', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await newKey('k1');
  const issuer = await startIssuer(t, key);
  const userClaim = 'https://acme.example/user';
  const { get } = await testApi(t, world, { tokens: { ...issuer.settings, userClaim } });
  t.equal((await get(DASHBOARD, await tokenOf(key, 'v', { [userClaim]: 'u' }))).body.data?.calls_today, 1);
  t.same(codeOf(await get(DASHBOARD, await tokenOf(key, 'u'))), [401, 'INVALID_TOKEN']);
  const odd = await testApi(t, world, { tokens: { ...issuer.settings, userClaim: 'constructor' } });
  t.same(
    codeOf(await odd.get(DASHBOARD, await tokenOf(key, 'u'))),
    [401, 'INVALID_TOKEN'],
    'an inherited one',
  );
});
