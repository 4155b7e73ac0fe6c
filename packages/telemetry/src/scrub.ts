const mask = '***';

/**
 * Each finds a secret by what stands around it; the first group is what stays. None takes a backslash without
 * the character it escapes, so that a quote inside a JSON string stays escaped.
 */
const secrets: readonly RegExp[] = [
  // Up to the last `@`: a password that nobody percent-encoded may hold `/` and `@` itself.
  /((?:rediss?|valkeys?|mongodb(?:\+srv)?):\/\/)(?:[^\s"'\\]|\\[^"])+(?=@)/gi,
  /(\/\/)[^\s/@"'\\:]*:[^\s/@"'\\]*(?=@)/g,
  /(\b(?:bearer|basic) +)[\w.~+/=-]+/gi,
  /([\w-]*(?:password|passwd|secret|token|api_?key)=)(?:[^\s&"'\\]|\\[^"])+/gi,
  // A member of a JSON text at any depth; an escaped quote does not end its value.
  /("(?:[\w-]*(?:password|secret|token)|authorization|x-api-key|api_?key|cookie|set-cookie)":)"(?:[^"\\]|\\.)*"/gi,
];

/** What at least one of them needs; most lines have none of it, and one search costs a tenth of five. */
const hint = /@|bearer|basic|passw|secret|token|api_?key|authorization|cookie/i;

/**
 * Masks credentials in a text, wherever they stand: userinfo of a URI, `Bearer` and `Basic` credentials,
 * secrets in a query and JSON members named as secrets. A JSON text stays a JSON text.
 */
export function scrub(text: string): string {
  if (!hint.test(text)) return text;
  return secrets.reduce(
    (scrubbed, secret) =>
      scrubbed.replace(secret, (found, kept: string) => `${kept}${found.endsWith('"') ? `"${mask}"` : mask}`),
    text,
  );
}

/** A URI as it may be shown: without user, password and options, e.g. `mongodb://***@host:27017/calltally`. */
export function redactUri(uri: string): string {
  return scrub(uri).replace(/\?.*$/s, '');
}
