import { createHash, createSecretKey, randomBytes } from 'node:crypto';
import { test } from 'tap';
import { encryptAgain, keepSecret, resolveSecrets, type SecretKey } from '../src/secret-keys.ts';

const key = (id: string): SecretKey => ({ id, key: createSecretKey(randomBytes(32)) });
const [k1, k2] = [key('k1'), key('k2')];
const HOOK = 'hook_1';
const TEXT = 'whsec_Sch\u00fcssel\u0000 💬';
const resolve = (secret: object, keys: SecretKey[], nowMs = 0, _id = HOOK) =>
  resolveSecrets({ _id, secrets: [secret as never] }, keys, nowMs);

test('an encrypted secret is read by its key, and by nothing else', async (t) => {
  const secret = keepSecret(TEXT, 'encrypted', HOOK, [k1, k2]);
  t.match(secret, { kept: 'encrypted', key_id: 'k1' });
  t.strictSame(resolve(secret, [k2, k1]), [{ kind: 'text', text: TEXT }]);
  t.not(keepSecret(TEXT, 'encrypted', HOOK, [k1]).value, secret.value, 'each time by another nonce');
  t.strictSame(resolve(keepSecret('', 'encrypted', HOOK, [k1]), [k1]), [{ kind: 'text', text: '' }]);

  t.throws(() => resolve(secret, [k2]), { code: 'HOOK_KEY_UNKNOWN', message: /hook_1.*k1.*HOOK_KEYS/ });
  t.throws(() => resolve(secret, []), { code: 'HOOK_KEY_UNKNOWN' });
  const another = { ...k2, id: 'k1' };
  for (const attempt of [
    () => resolve(secret, [another]),
    () => resolve(secret, [k1], 0, 'hook_2'),
    () => resolve({ ...secret, key_id: 'k3' }, [{ ...k1, id: 'k3' }]),
    () => resolve({ ...secret, value: '' }, [k1]),
    () => resolve({ ...secret, value: secret.value.slice(4) }, [k1]),
  ]) {
    t.throws(attempt, { code: 'HOOK_SECRET_BROKEN' });
  }
  const bytes = Buffer.from(secret.value, 'base64url');
  for (const at of bytes.keys()) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    t.throws(() => resolve({ ...secret, value: changed.toString('base64url') }, [k1]), {
      code: 'HOOK_SECRET_BROKEN',
    });
  }
});

test('nothing encrypts without a key', async (t) => {
  t.throws(() => keepSecret(TEXT, 'encrypted', HOOK, []), {
    code: 'HOOK_KEYS_MISSING',
    message: 'HOOK_KEYS',
  });
});

test('a hash needs no key, and cannot be read; what is public is kept as it is', async (t) => {
  const hashed = keepSecret(TEXT, 'hashed', HOOK, []);
  const sha256 = createHash('sha256').update(TEXT).digest('hex');
  t.strictSame(hashed, { kept: 'hashed', value: sha256 });
  t.strictSame(resolve(hashed, []), [{ kind: 'hash', sha256 }]);
  const known = keepSecret('MCowBQYDK2VwAyEA', 'public', HOOK, []);
  t.strictSame(known, { kept: 'public', value: 'MCowBQYDK2VwAyEA' });
  t.strictSame(resolve(known, []), [{ kind: 'text', text: 'MCowBQYDK2VwAyEA' }]);
});

test('a secret that was replaced is accepted until it expires', async (t) => {
  const expires_at = new Date(5_000);
  const secrets = [
    keepSecret('new', 'encrypted', HOOK, [k1]),
    { ...keepSecret('old', 'encrypted', HOOK, [k1]), expires_at },
  ];
  const textsAt = (nowMs: number, keys = [k1]) =>
    resolveSecrets({ _id: HOOK, secrets }, keys, nowMs).map((one) => one.kind === 'text' && one.text);
  t.strictSame(textsAt(4_999), ['new', 'old']);
  t.strictSame(textsAt(5_000), ['new']);
  const withOld = { _id: HOOK, secrets: [secrets[0]!, { ...secrets[1]!, key_id: 'gone' }] };
  t.strictSame(resolveSecrets(withOld, [k1], 5_000).length, 1, 'an expired one needs no key any more');
});

test('what another key has encrypted is encrypted again by the first one', async (t) => {
  const secret = { ...keepSecret(TEXT, 'encrypted', HOOK, [k1]), _id: 'secret_1' };
  t.equal(encryptAgain(secret, HOOK, [k1, k2]), secret);
  const again = encryptAgain(secret, HOOK, [k2, k1]);
  t.match(again, { _id: 'secret_1', kept: 'encrypted', key_id: 'k2' });
  t.strictSame(resolve(again, [k2]), [{ kind: 'text', text: TEXT }]);
  t.throws(() => encryptAgain(secret, HOOK, [k2]), { code: 'HOOK_KEY_UNKNOWN' });
  const hashed = keepSecret(TEXT, 'hashed', HOOK, []);
  t.equal(encryptAgain(hashed, HOOK, [k2]), hashed);
});
