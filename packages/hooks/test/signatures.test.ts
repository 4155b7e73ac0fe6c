import { test } from 'tap';
import type { HookRequest, HookSecret } from '../src/index.ts';
import {
  decodeSignature,
  headerOf,
  hmac,
  isOneOf,
  isSignedByOne,
  sameBytes,
  sha256,
  staleness,
} from '../src/signatures.ts';

const request = (headers: HookRequest['headers'], receivedAtMs = 0): HookRequest => ({
  body: Buffer.alloc(0),
  headers,
  url: 'https://calltally.example/hooks/vapi/h1',
  receivedAtMs,
});

test('a header counts if it comes once', async (t) => {
  t.equal(headerOf(request({ 'x-secret': 's' }), 'x-secret'), 's');
  for (const value of [undefined, '', ['s', 's'], ['s']])
    t.equal(headerOf(request({ 'x-secret': value }), 'x-secret'), undefined, String(value));
  t.equal(headerOf(request({}), 'constructor'), undefined);
});

test('a signature has one spelling', async (t) => {
  t.same(decodeSignature('00fF', 'hex', 2), Buffer.from([0, 255]));
  t.same(decodeSignature('AP8=', 'base64', 2), Buffer.from([0, 255]));
  t.same(decodeSignature('AP8', 'base64url', 2), Buffer.from([0, 255]));
  for (const bad of ['', '00', '00ff00', '00fg', '00ff ', '0x00ff', '00f'])
    t.equal(decodeSignature(bad, 'hex', 2), undefined, bad);
  for (const bad of ['', 'AP8', 'AP9=', 'AP8==', 'AP8=\n', 'A P8=', 'AP_8', 'AP8A'])
    t.equal(decodeSignature(bad, 'base64', 2), undefined, bad);
});

test('hashes agree with the published examples', async (t) => {
  // FIPS 180-2 B.1, RFC 2202 test 2, RFC 4231 test 2.
  t.equal(
    sha256('a', Buffer.from('bc')).toString('hex'),
    'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
  );
  const data = ['what do ya want ', Buffer.from('for nothing?')];
  t.equal(hmac('sha1', 'Jefe', ...data).toString('hex'), 'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79');
  t.equal(
    hmac('sha256', 'Jefe', ...data).toString('hex'),
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  );
});

test('bytes of another length are other bytes', async (t) => {
  const bytes = Buffer.from('abc');
  t.ok(sameBytes(bytes, Buffer.from('abc')));
  for (const other of ['abd', 'ab', 'abcd', '']) t.notOk(sameBytes(bytes, Buffer.from(other)), other);
});

test('any of several secrets opens, and no other', async (t) => {
  const old: HookSecret = { kind: 'text', text: 'old' };
  const young: HookSecret = { kind: 'text', text: 'young' };
  const kept: HookSecret = { kind: 'hash', sha256: sha256('kept').toString('hex') };
  const sign = (secret: string) => hmac('sha256', secret, 'body');
  t.ok(isSignedByOne([old, young], sign('old'), sign));
  t.ok(isSignedByOne([kept, old, young], sign('young'), sign));
  t.notOk(isSignedByOne([old, young], sign('third'), sign));
  t.notOk(isSignedByOne([kept], sign('kept'), sign), 'a hash cannot sign');
  t.notOk(isSignedByOne([], sign('old'), sign));
  t.notOk(isSignedByOne([{ kind: 'text', text: '' }], sign(''), sign), 'anybody knows an empty secret');
  for (const sent of ['old', 'kept']) t.ok(isOneOf([kept, old], sent), sent);
  for (const sent of ['', 'olD', kept.sha256]) t.notOk(isOneOf([kept, old], sent), sent);
});

test('a time is stale beyond the tolerance, in the past and in the future', async (t) => {
  const now = request({}, 1_000_000);
  for (const fine of [999_000, 1_000_000, 1_001_000]) t.equal(staleness(now, fine, 1_000), undefined);
  for (const stale of [998_999, 1_001_001, 0, Number.NaN, Number.POSITIVE_INFINITY])
    t.equal(staleness(now, stale, 1_000), 'SIGNATURE_STALE', String(stale));
});
