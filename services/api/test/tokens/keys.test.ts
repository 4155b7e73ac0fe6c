import { OutageLog } from '@calltally/http';
import { createLogger } from '@calltally/telemetry';
import { test } from 'tap';
import { TokenKeys } from '../../src/tokens/token-keys.ts';
import { hashToken, Tokens } from '../../src/tokens/tokens.ts';
import { listen } from '../stream/support.ts';
import { type Answer, callsAt, NOW_MS, testApi, testWorld, until } from '../support.ts';
import { newKey, startIssuer, tokenOf } from './issuer.ts';

const DASHBOARD = '/analytics/dashboard';
const codeOf = ({ status, body }: Answer) => [status, body.error?.code];

test('keys rotate: a new one counts at once, a removed one no longer, also for tokens and streams that are known', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const [old, next] = await Promise.all([newKey('old'), newKey('next', 'RS256')]);
  const issuer = await startIssuer(t, old);
  const api = await testApi(t, world, { tokens: { ...issuer.settings, refreshMs: 100, cooldownMs: 0 } });
  const byOld = await tokenOf(old, 'u');
  t.equal((await api.get(DASHBOARD, byOld)).status, 200);
  issuer.published = [old, next];
  const byNext = await tokenOf(next, 'u');
  t.equal((await api.get(DASHBOARD, byNext)).status, 200, 'it is asked for as soon as a token names it');
  t.equal((await api.get(DASHBOARD, byOld)).status, 200);
  const [endless, ended] = await Promise.all([listen(t, api, byNext), listen(t, api, byOld)]);
  issuer.published = [next];
  const refused = await until(
    () => api.get(DASHBOARD, byOld),
    ({ status }) => status === 401,
  );
  t.same(codeOf(refused), [401, 'INVALID_TOKEN']);
  await ended.when(({ isEnded }) => isEnded);
  t.match(ended.events.at(-1), {
    event: 'end',
    data: { code: 'INVALID_TOKEN', message: /^The token has expired, or/ },
  });
  t.equal((await api.get(DASHBOARD, byNext)).status, 200);
  t.notOk(endless.isEnded);
});

test('a stream ends when its token expires', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await newKey('k');
  const issuer = await startIssuer(t, key);
  const now = { ms: NOW_MS };
  const api = await testApi(t, world, { tokens: issuer.settings, now });
  const [short, long] = await Promise.all([
    tokenOf(key, 'u', { exp: NOW_MS / 1_000 + 60 }).then((token) => listen(t, api, token)),
    tokenOf(key, 'u').then((token) => listen(t, api, token)),
  ]);
  now.ms = NOW_MS + 65_000;
  await short.when(({ isEnded }) => isEnded);
  t.match(short.events.at(-1), { event: 'end', data: { code: 'INVALID_TOKEN' } });
  t.notOk(long.isEnded);
});

test('while keys cannot be fetched, known ones go on, and what nobody can check is a 503', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const [key, other] = await Promise.all([newKey('k'), newKey('other')]);
  const issuer = await startIssuer(t, key);
  const tokens = { ...issuer.settings, refreshMs: 50, cooldownMs: 50 };
  const api = await testApi(t, world, { tokens });
  const known = await tokenOf(key, 'u');
  t.equal((await api.get(DASHBOARD, known)).status, 200);
  issuer.answer = (request) => request.socket.destroy();
  const unknown = await tokenOf(other, 'u');
  const answered = await until(
    () => api.get(DASHBOARD, unknown),
    ({ status }) => status === 503,
  );
  t.same(codeOf(answered), [503, 'UNAVAILABLE']);
  t.match(answered.headers['retry-after'], /^\d+$/);
  t.equal(answered.headers['www-authenticate'], undefined);
  t.equal((await api.get(DASHBOARD, known)).status, 200, 'a token that is known');
  t.equal(
    (await api.get(DASHBOARD, await tokenOf(key, 'u', { jti: 'x' }))).status,
    200,
    'a key that is known',
  );
  t.equal((await api.get(DASHBOARD, await world.keyOf('u'))).status, 200, 'an API key');
  const later = await testApi(t, world, { tokens });
  t.same(codeOf(await later.get(DASHBOARD, known)), [503, 'UNAVAILABLE'], 'from the beginning');
  t.match(later.lines.join(''), /The issuer of tokens is away: AUTH_JWKS_URL cannot be reached/);
  t.notMatch(later.lines.join(''), /127\.0\.0\.1:\d/);
  issuer.published = [key, other];
  issuer.answer = undefined;
  for (const one of [api, later]) {
    const back = await until(
      () => one.get(DASHBOARD, unknown),
      ({ status }) => status === 200,
    );
    t.equal(back.status, 200);
  }
});

test('whatever the address of keys answers, it neither opens nor closes anything', async (t) => {
  const [key, other] = await Promise.all([newKey('k'), newKey('other')]);
  const [known, unknown] = await Promise.all([tokenOf(key, 'u'), tokenOf(other, 'u')]);
  const elsewhere = await startIssuer(t, other);
  const faults: [what: string, answer: NonNullable<typeof elsewhere.answer>, logged: RegExp][] = [
    ['fails', (_, response) => response.writeHead(500).end(), /status 500/],
    ['says nothing', () => {}, /timeout/],
    ['never ends', (_, response) => response.write('{"keys": ['), /timeout/],
    ['is garbage', (_, response) => response.end('<html>'), /else than JSON/],
    ['is of another kind', (_, response) => response.end('{"keys": {}}'), /malformed/],
    ['is null', (_, response) => response.end('null'), /malformed/],
    [
      'leads elsewhere',
      (_, response) => response.writeHead(302, { location: elsewhere.settings.jwksUrl }).end(),
      /status 302/,
    ],
    [
      'is huge',
      (_, response) => response.end(`{"keys": []}${' '.repeat(2_000_000)}`),
      /more than 1048576 bytes/,
    ],
  ];
  await Promise.all(
    faults.map(async ([what, answer, logged]) => {
      const issuer = await startIssuer(t, key);
      const lines: string[] = [];
      const destination = { write: (line: string) => void lines.push(line) };
      const logger = createLogger({ service: 'api', level: 'info', destination });
      const options = { ...issuer.settings, cooldownMs: 0 };
      const keys = new TokenKeys(options, new OutageLog(logger, 'The issuer of tokens', 'keys go on'));
      t.teardown(() => keys.stop());
      const tokens = new Tokens(keys, options);
      const verify = (token: string) => tokens.verify(token, hashToken(token), NOW_MS);
      t.match(await verify(known), { userId: 'u', scope: 'read' });
      issuer.answer = answer;
      await t.rejects(verify(unknown), { code: 'UNAVAILABLE' }, what);
      t.match(tokens.known(hashToken(known), NOW_MS), { userId: 'u' }, what);
      t.match(await verify(await tokenOf(key, 'v')), { userId: 'v' }, `${what}: a key that is known`);
      await t.rejects(
        new Tokens(new TokenKeys(options, new OutageLog(logger, '', '')), options).verify(known, '', NOW_MS),
        {
          code: 'UNAVAILABLE',
        },
      );
      t.match(lines.join(''), logged, what);
      issuer.published = [other];
      issuer.answer = undefined;
      t.match(await verify(unknown), { userId: 'u' }, `${what}, and is well again`);
      t.equal(tokens.known(hashToken(known), NOW_MS), undefined, 'its key was removed meanwhile');
    }),
  );
});

test('tokens that name unknown keys make nobody ask more often than once in a while', async (t) => {
  const world = await testWorld(t);
  await world.count(callsAt('u', [NOW_MS], 7));
  const key = await newKey('k');
  const issuer = await startIssuer(t, key);
  const { get } = await testApi(t, world, { tokens: issuer.settings });
  t.equal((await get(DASHBOARD, await tokenOf(key, 'u'))).status, 200);
  const ask = async () => {
    const strange = await Promise.all(
      Array.from({ length: 30 }, (_, i) => tokenOf({ ...key, kid: `k${i}` }, 'u')),
    );
    return Promise.all(strange.map((token) => get(DASHBOARD, token)));
  };
  t.ok((await ask()).every(({ status }) => status === 401));
  const asked = issuer.asked;
  t.ok(asked <= 2, `asked ${asked} times`);
  issuer.answer = (_, response) => response.writeHead(500).end();
  await ask();
  t.ok(issuer.asked <= asked + 1, `asked ${issuer.asked} times while it fails`);
});
