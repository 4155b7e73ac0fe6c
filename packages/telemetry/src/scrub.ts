const mask = '***';

/**
 * Each finds a secret by its surroundings; the first group is kept. None matches a backslash without the character that it
 * escapes, so that a quote within a JSON string stays escaped.
 */
const secrets: readonly RegExp[] = [
  // Up to the last `@`: a password that is not percent-encoded may contain `/` and `@`.
  /((?:rediss?|valkeys?|mongodb(?:\+srv)?):\/\/)(?:[^\s"'\\]|\\[^"])+(?=@)/gi,
  /(\/\/)[^\s/@"'\\:]*:[^\s/@"'\\]*(?=@)/g,
  /(\b(?:bearer|basic) +)[\w.~+/=-]+/gi,
  /([\w-]*(?:password|passwd|secret|token|api_?key)=)(?:[^\s&"'\\]|\\[^"])+/gi,
  // A member of a JSON text at any depth; an escaped quote does not end its value.
  /("(?:[\w-]*(?:password|secret|token)|authorization|x-api-key|api_?key|cookie|set-cookie)":)"(?:[^"\\]|\\.)*"/gi,
];

/** Every secret contains one of these. Most lines have none, and this search costs a tenth of the five above. */
const hint = /@|bearer|basic|passw|secret|token|api_?key|authorization|cookie/i;

/**
 * Masks credentials anywhere in a text: userinfo of URIs, `Bearer` and `Basic` credentials, secrets in query strings, and
 * JSON members named as secrets. JSON stays JSON.
 */
export function scrub(text: string): string {
  if (!hint.test(text)) return text;
  return secrets.reduce(
    (scrubbed, secret) =>
      scrubbed.replace(secret, (found, kept: string) => `${kept}${found.endsWith('"') ? `"${mask}"` : mask}`),
    text,
  );
}

/** A URI without user, password and options, e.g. `mongodb://***@host:27017/calltally`. */
export function redactUri(uri: string): string {
  return scrub(uri).replace(/\?.*$/s, '');
}
