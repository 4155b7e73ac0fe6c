import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto';
import type { HookSecret } from './provider.ts';
import { sha256 } from './signatures.ts';

/** One of `HOOK_KEYS`: 256 bits, for AES. */
export interface SecretKey {
  id: string;
  key: KeyObject;
}

/** A secret as Mongo keeps it. */
export interface KeptSecret {
  kept: 'hashed' | 'encrypted' | 'public';
  /** SHA-256 as hex; nonce, ciphertext and tag as base64url; or the text itself. */
  value: string;
  /** Of the key that has encrypted it. */
  key_id?: string;
  expires_at?: Date;
}

/** A secret that cannot be encrypted or decrypted. `message` holds neither secret nor key. */
export class SecretKeyError extends Error {
  override readonly name = 'SecretKeyError';
  constructor(
    readonly code: 'HOOK_KEYS_MISSING' | 'HOOK_KEY_UNKNOWN' | 'HOOK_SECRET_BROKEN',
    message: string,
  ) {
    super(message);
  }
}

const ALGORITHM = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A secret as it is to be kept.
 * @param keys the first one encrypts
 * @throws SecretKeyError HOOK_KEYS_MISSING
 */
export function keepSecret(
  text: string,
  kept: KeptSecret['kept'],
  hookId: string,
  keys: readonly SecretKey[],
): KeptSecret {
  if (kept === 'public') return { kept, value: text };
  if (kept === 'hashed') return { kept, value: sha256(text).toString('hex') };
  const [key] = keys;
  if (key === undefined) {
    throw new SecretKeyError(
      'HOOK_KEYS_MISSING',
      'the platform signs with the secret, which must be kept encrypted; set HOOK_KEYS to ID:KEY, a key of `openssl rand -base64 32`',
    );
  }
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key.key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(boundTo(hookId, key.id));
  const encrypted = [nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()];
  return { kept, value: Buffer.concat(encrypted).toString('base64url'), key_id: key.id };
}

/**
 * The secrets that a hook accepts at a time.
 * @throws SecretKeyError HOOK_KEY_UNKNOWN, HOOK_SECRET_BROKEN: for one of them, since without it good webhooks are refused
 */
export function resolveSecrets(
  { _id, secrets }: { _id: string; secrets: readonly KeptSecret[] },
  keys: readonly SecretKey[],
  nowMs: number,
): HookSecret[] {
  return secrets
    .filter(({ expires_at }) => expires_at === undefined || expires_at.getTime() > nowMs)
    .map((secret) =>
      secret.kept === 'hashed'
        ? { kind: 'hash', sha256: secret.value }
        : { kind: 'text', text: openSecret(secret, _id, keys) },
    );
}

/** Encrypts by the first key what another one has encrypted; else the same object. @throws SecretKeyError */
export function encryptAgain<Secret extends KeptSecret>(
  secret: Secret,
  hookId: string,
  keys: readonly SecretKey[],
): Secret {
  if (secret.kept !== 'encrypted' || secret.key_id === keys[0]?.id) return secret;
  return { ...secret, ...keepSecret(openSecret(secret, hookId, keys), 'encrypted', hookId, keys) };
}

function openSecret({ kept, value, key_id }: KeptSecret, hookId: string, keys: readonly SecretKey[]): string {
  if (kept === 'public') return value;
  const key = keys.find(({ id }) => id === key_id);
  if (key === undefined) {
    throw new SecretKeyError(
      'HOOK_KEY_UNKNOWN',
      `the secret of ${hookId} was encrypted by the key ${key_id}, which is not in HOOK_KEYS; add it again, or rotate the secret`,
    );
  }
  const bytes = Buffer.from(value, 'base64url');
  try {
    const nonce = bytes.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv(ALGORITHM, key.key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(boundTo(hookId, key.id));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const text = decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    throw new SecretKeyError(
      'HOOK_SECRET_BROKEN',
      `the secret of ${hookId} cannot be decrypted by the key ${key_id}; the key of this id was another one, or the row was changed: rotate the secret`,
    );
  }
}

/** A value that is copied into another hook's row, or whose key is renamed, cannot be decrypted. */
function boundTo(hookId: string, keyId: string): Buffer {
  return Buffer.from(`${hookId}\u001f${keyId}`);
}
