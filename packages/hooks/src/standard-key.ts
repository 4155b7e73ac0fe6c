const KEY_MIN_BYTES = 16;

/** `whsec_` and the key in base64; undefined if that is no key, since anybody can sign with an empty one. */
export function standardKey(secret: string): Buffer | undefined {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return key.length >= KEY_MIN_BYTES ? key : undefined;
}
