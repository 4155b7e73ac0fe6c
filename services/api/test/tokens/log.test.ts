import { randomBytes } from 'node:crypto';
import { test } from 'tap';
import { callsAt, NOW_MS, testApi, testWorld } from '../support.ts';
import { newKey, startIssuer, tokenOf } from './issuer.ts';

test('no token, key or signature is in any line or body, wherever a client puts it', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await newKey('k');
  const issuer = await startIssuer(t, key);
  // The log of tests is at the level trace.
  const { app, lines } = await testApi(t, world, {
    tokens: issuer.settings,
    origins: ['https://app.example'],
  });
  const { apiKey } = await world.store.apiKeys.create({ platform: true });
  const good = await tokenOf(key, 'u');
  const expired = await tokenOf(key, 'u', { exp: 1 });
  const forged = await tokenOf(await newKey('k'), 'u');
  const strange = await tokenOf(await newKey('other'), 'u');
  const [header = '', payload = ''] = good.split('.');
  const unsigned = `${header}.${payload}.${randomBytes(64).toString('base64url')}`;
  const secrets = [good, expired, forged, strange, unsigned, apiKey];
  const bodies: string[] = [];
  for (const secret of secrets) {
    for (const [url, authorization] of [
      ['/analytics/dashboard', `Bearer ${secret}`],
      ['/analytics/dashboard', secret],
      ['/analytics/dashboard', `Basic ${secret}`],
      [`/${secret}`, undefined],
      [`/analytics/${secret}/dashboard`, undefined],
      [`/%zz${secret}`, undefined],
      ...[`Bearer ${apiKey}`, `Bearer ${good}`].flatMap((bearer) => [
        [`/analytics/dashboard?access_token=${secret}`, bearer] as const,
        [`/analytics/dashboard?user_id=${secret.slice(0, 256)}`, bearer] as const,
        [`/analytics/dashboard?user_id=u&start_date=${secret}`, bearer] as const,
        [`/analytics/dashboard?user_id=u&start_date${secret}=x`, bearer] as const,
        [`/analytics/timeseries?user_id=u&interval=${secret}`, bearer] as const,
      ]),
    ] as const) {
      const headers = {
        ...(authorization && { authorization }),
        'x-request-id': secret.slice(0, 64),
        origin: secret,
      };
      bodies.push((await app.inject({ url, headers })).body);
    }
  }
  issuer.answer = (_, response) => response.writeHead(500).end(good);
  bodies.push(
    (await app.inject({ url: '/analytics/dashboard', headers: { authorization: `Bearer ${strange}` } })).body,
  );
  bodies.push((await app.inject('/metrics')).body);
  const said = lines.join('') + bodies.join('');
  t.ok(lines.length > secrets.length * 10, 'every request has a line');
  for (const secret of secrets) {
    // Each part, and each beginning of a part that is long enough to be more than a name.
    for (const part of secret.split('.')) t.notOk(said.includes(part.slice(0, 24)), part.slice(0, 24));
  }
});
