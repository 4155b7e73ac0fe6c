import { readFileSync } from 'node:fs';
import { checkCallEvent } from '@calltally/contract';
import {
  genericFault,
  type HookAuth,
  type HookDefinition,
  type HookRequest,
  type HookSecret,
  PROVIDERS,
  secretFault,
} from '@calltally/hooks';
import fc from 'fast-check';
import { test } from 'tap';
import { sha256 } from '../../src/signatures.ts';

interface Vector {
  name: string;
  auth: HookAuth;
  secret: string;
  headers: Record<string, string>;
  body: string;
  receivedAtMs: number;
}

const { vectors } = JSON.parse(readFileSync(new URL('../vectors/generic.json', import.meta.url), 'utf8')) as {
  vectors: Vector[];
};
const generic = PROVIDERS.generic!;

const DEFINITION: HookDefinition = {
  provider: 'generic',
  user: { from: 'account.id' },
  mapping: {
    fields: { call_id: 'call.id', started_at: 'call.start:ns', duration_seconds: 'call.billsec' },
  },
  when: { path: 'event', equals: 'call.ended' },
};
const CALL = { id: 'c-1', start: '1772357400123456789', billsec: '84.25' };
const PAYLOAD = { event: 'call.ended', account: { id: 42 }, call: CALL };
const EVENT = {
  call_id: 'c-1',
  user_id: '42',
  started_at: '2026-03-01T09:30:00.123456789Z',
  duration_seconds: 84.25,
};

const text = (secret: string): HookSecret => ({ kind: 'text', text: secret });
const request = (body: string | Buffer, headers: HookRequest['headers'] = {}): HookRequest => ({
  body: Buffer.from(body),
  headers,
  url: 'https://calls.example/hooks/generic/hook_1',
  receivedAtMs: Date.parse('2026-03-01T09:32:00Z'),
});
const read = (payload: unknown, more: Partial<HookDefinition> = {}) =>
  generic.read(request(JSON.stringify(payload)), { ...DEFINITION, ...more });

test('signatures of other libraries are accepted, and nothing that differs by a byte', async (t) => {
  t.equal(vectors.length, 5);
  for (const { name, auth, secret, headers, body, receivedAtMs } of vectors) {
    const verify = (
      changes: Partial<{ headers: HookRequest['headers']; body: string; secret: string; atMs: number }> = {},
    ) =>
      generic.verify(
        {
          ...request(changes.body ?? body, changes.headers ?? headers),
          receivedAtMs: changes.atMs ?? receivedAtMs,
        },
        [text(changes.secret ?? secret)],
        { ...DEFINITION, auth },
      );
    t.equal(verify(), undefined, name);
    t.equal(generic.secretKept({ ...DEFINITION, auth }), 'encrypted');
    t.equal(genericFault({ ...DEFINITION, auth }), undefined);
    t.equal(verify({ body: body.replace('c-1', 'c-2') }), 'SIGNATURE_INVALID', `${name}: body`);
    t.equal(verify({ secret: `${secret.slice(0, -2)}AA` }), 'SIGNATURE_INVALID', `${name}: secret`);
    const twice = [text('whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'), text(secret)];
    const rotated = generic.verify({ ...request(body, headers), receivedAtMs }, twice, {
      ...DEFINITION,
      auth,
    });
    t.equal(rotated, undefined, `${name}: two secrets`);
    t.equal(
      generic.verify({ ...request(body, headers), receivedAtMs }, [], { ...DEFINITION, auth }),
      'SIGNATURE_INVALID',
      `${name}: no secret`,
    );
    for (const header of Object.keys(headers)) {
      const changed = (value: string | string[] | undefined) =>
        verify({ headers: { ...headers, [header]: value } });
      for (const bad of [undefined, '', 'x', [headers[header]!, headers[header]!]]) {
        t.equal(
          changed(bad),
          bad === 'x' && header === 'webhook-id' ? 'SIGNATURE_INVALID' : 'SIGNATURE_MISSING',
        );
      }
    }
    const isTimed =
      /timestamp|Stripe/.test(JSON.stringify([auth, name])) || auth.scheme === 'standard-webhooks';
    for (const byMs of [-301_000, 301_000]) {
      t.equal(
        verify({ atMs: receivedAtMs + byMs }),
        isTimed ? 'SIGNATURE_STALE' : undefined,
        `${name}: ${byMs}`,
      );
    }
    t.equal(verify({ atMs: receivedAtMs + 299_000 }), undefined);
  }
});

test('a signature in another form, or by another algorithm, is none', async (t) => {
  const [github, stripe] = vectors as [Vector, Vector];
  const verify = ({ auth, secret, body, receivedAtMs }: Vector, headers: HookRequest['headers']) =>
    generic.verify({ ...request(body, headers), receivedAtMs }, [text(secret)], { ...DEFINITION, auth });
  const signature = github.headers['x-hub-signature-256']!;
  t.equal(verify(github, { 'x-hub-signature-256': signature.slice(0, -2) }), 'SIGNATURE_MISSING', 'length');
  t.equal(
    verify(github, { 'x-hub-signature-256': signature.replace(/.$/, 'g') }),
    'SIGNATURE_MISSING',
    'alphabet',
  );
  t.equal(verify(github, { 'x-hub-signature-256': signature.slice(7) }), 'SIGNATURE_MISSING', 'prefix');
  t.equal(
    verify({ ...github, auth: { ...github.auth, scheme: 'hmac-sha1' } as HookAuth }, github.headers),
    'SIGNATURE_MISSING',
    'algorithm',
  );
  const header = stripe.headers['stripe-signature']!;
  t.equal(verify(stripe, { 'stripe-signature': `t=1,${header}` }), 'SIGNATURE_MISSING', 'two times');
  t.equal(
    verify(stripe, { 'stripe-signature': header.replace(/t=\d+/, 't=1772357493') }),
    'SIGNATURE_INVALID',
    'another time',
  );
});

test('the secret itself may come as a bearer token, as a password or in a header', async (t) => {
  const hashed: HookSecret = { kind: 'hash', sha256: sha256('sesame:1').toString('hex') };
  const verify = (headers: HookRequest['headers'], header?: string) =>
    generic.verify(request('{}', headers), [{ kind: 'hash', sha256: '00'.repeat(32) }, hashed], {
      ...DEFINITION,
      auth: { scheme: 'secret', ...(header !== undefined && { header }) },
    });
  const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString('base64')}`;
  t.equal(generic.secretKept(DEFINITION), 'hashed');
  t.equal(verify({ authorization: 'Bearer sesame:1' }), undefined);
  t.equal(verify({ authorization: basic('pbx:sesame:1') }), undefined);
  t.equal(verify({ 'x-secret': 'sesame:1' }, 'X-Secret'), undefined);
  for (const authorization of ['Bearer sesame', basic('sesame:2'), basic('sesame:1')]) {
    t.equal(verify({ authorization }), 'SIGNATURE_INVALID', authorization);
  }
  for (const authorization of [undefined, '', 'sesame:1', 'Bearer ', 'Digest x', basic('pbx')]) {
    t.equal(verify({ authorization }), 'SIGNATURE_MISSING', String(authorization));
  }
  t.equal(verify({ authorization: 'Bearer sesame:1' }, 'x-secret'), 'SIGNATURE_MISSING');
});

test('a payload becomes an event as the mapping says, one or many of them', async (t) => {
  t.strictSame(read(PAYLOAD), [{ event: EVENT }]);
  t.hasProp(checkCallEvent(EVENT, Date.now()), 'call');
  t.strictSame(read(PAYLOAD, { direction: 'inbound', user: { id: 'u-1' } }), [
    { event: { ...EVENT, user_id: 'u-1', direction: 'inbound' } },
  ]);
  t.match(read([PAYLOAD, { ...PAYLOAD, event: 'call.started' }, { ...PAYLOAD, account: {} }, 7]), [
    { event: EVENT },
    { skipped: 'event is "call.started", not "call.ended"' },
    { rejection: { code: 'FIELD_MISSING', field: 'user_id', message: /account.id/ } },
    { skipped: /event is undefined/ },
  ]);
  const big = generic.read(
    request(JSON.stringify(PAYLOAD).replace('"1772357400123456789"', '1772357400123456789')),
    DEFINITION,
  );
  t.strictSame(big, [{ event: EVENT }], 'a number that a double cannot hold');
});

test('a body that holds no payloads is rejected as a whole', async (t) => {
  const code = (body: string | Buffer) => generic.read(request(body), DEFINITION);
  for (const body of ['', '{', Buffer.from([0x22, 0xff, 0x22])]) {
    t.match(code(body), [{ rejection: { code: 'EVENT_NOT_JSON' } }]);
  }
  t.match(code(JSON.stringify(Array(1_001).fill(PAYLOAD))), [{ rejection: { code: 'EVENT_TOO_LARGE' } }]);
  t.strictSame(code('[]'), []);
});

test('any body, for a good or a bad definition, gives readings and never throws', async () => {
  const definitions: HookDefinition[] = [
    DEFINITION,
    { ...DEFINITION, mapping: { fields: { call_id: 'a..b' } } },
    { provider: 'generic', user: { from: '' } },
  ];
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string()), fc.constantFrom(...definitions), (body, definition) => {
      const readings = generic.read(request(body), definition);
      return readings.every((reading) => ['event', 'skipped', 'rejection'].some((kind) => kind in reading));
    }),
  );
});

test('a definition that cannot be used says why', async (t) => {
  const fault = (more: object) => genericFault({ ...DEFINITION, ...more } as HookDefinition);
  t.equal(fault({}), undefined);
  t.match(fault({ mapping: undefined }), /no mapping/);
  t.match(
    fault({ mapping: { fields: { ...DEFINITION.mapping?.fields, user_id: 'a' } } }),
    /user_id is mapped/,
  );
  t.match(fault({ user: { from: 'a..b' } }), /"a..b", for user_id, is no path/);
  t.match(fault({ when: { path: '', equals: 'a' } }), /path of the filter/);
  t.match(fault({ auth: { scheme: 'none' } }), /"none" is unknown/);
  const hmac = { scheme: 'hmac-sha256', header: 'x-signature' };
  t.match(fault({ auth: { ...hmac, header: 'x signature' } }), /name of a header/);
  t.match(fault({ auth: { ...hmac, encoding: 'base32' } }), /hex or base64/);
  t.match(fault({ auth: { ...hmac, signed: '{body}{timestamp}' } }), /end with {body}/);
  t.match(fault({ auth: { ...hmac, signed: '{timestamp}{body}' } }), /name the header/);
  t.match(fault({ auth: { ...hmac, timestampHeader: 'x-time', signed: '{body}' } }), /proves nothing/);
  t.match(secretFault({ scheme: 'standard-webhooks' }, 'whsec_!!'), /no key/);
  t.match(secretFault({ scheme: 'secret' }, ''), /empty/);
});
