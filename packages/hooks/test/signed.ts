import { readFileSync } from 'node:fs';
import { type HookRequest, type HookSecret, PROVIDERS, type SignatureFault } from '@calltally/hooks';
import type { Test } from 'tap';

/** A request that openssl signed and the platform's own library accepts: see the scripts in `vectors/`. */
export interface Vector {
  name: string;
  url: string;
  headers: Record<string, string>;
  body: string;
  secret: string;
  receivedAtMs: number;
}

export function vectorsOf(provider: string): Vector[] {
  return JSON.parse(readFileSync(new URL(`./vectors/${provider}.json`, import.meta.url), 'utf8')).vectors;
}

type Changes = Partial<Pick<HookRequest, 'url' | 'receivedAtMs' | 'headers'>> & {
  body?: Buffer;
  secrets?: readonly HookSecret[];
};

/** What a provider says of a vector with some of it changed. */
export function verdict(
  provider: string,
  { url, headers, body, secret, receivedAtMs }: Vector,
  changes: Changes = {},
): SignatureFault | undefined {
  const { secrets = [{ kind: 'text', text: secret }], ...rest } = changes;
  const request = { url, headers, body: Buffer.from(body), receivedAtMs, ...rest };
  return PROVIDERS[provider]!.verify(request, secrets, { provider, user: { id: 'u-42' } });
}

/** What holds for every platform that signs. */
export function testSignatures(
  t: Test,
  provider: string,
  {
    secrets: [wrong, malformed],
    headers,
    encoding,
  }: {
    /** Secrets of the right form that did not sign, and one of the wrong form. */
    secrets: readonly [string, string];
    /** The headers that authenticate a request, the signature first. */
    headers: readonly string[];
    encoding: 'hex' | 'base64';
  },
): void {
  const vectors = vectorsOf(provider);
  for (const vector of vectors) {
    const { name, body, secret } = vector;
    const text = (...texts: string[]) => texts.map((text) => ({ kind: 'text', text }) as const);
    t.equal(verdict(provider, vector), undefined, name);
    t.equal(
      verdict(provider, vector, { secrets: text(wrong, secret) }),
      undefined,
      `${name}: the newer of two`,
    );
    t.equal(
      verdict(provider, vector, { secrets: text(secret, wrong) }),
      undefined,
      `${name}: the older of two`,
    );
    for (const secrets of [
      text(wrong),
      text(malformed),
      text(''),
      [],
      [{ kind: 'hash', sha256: secret } as const],
    ])
      t.equal(
        verdict(provider, vector, { secrets }),
        'SIGNATURE_INVALID',
        `${name}: ${JSON.stringify(secrets)}`,
      );

    const bytes = Buffer.from(body);
    for (const at of [0, bytes.length >> 1, bytes.length - 1]) {
      const changed = Buffer.from(bytes);
      changed[at]! ^= 1;
      t.equal(
        verdict(provider, vector, { body: changed }),
        'SIGNATURE_INVALID',
        `${name}: byte ${at} changed`,
      );
    }
    for (const other of [
      Buffer.concat([bytes, Buffer.from('x')]),
      Buffer.alloc(0),
      Buffer.from(bytes.subarray(1)),
    ])
      t.equal(verdict(provider, vector, { body: other }), 'SIGNATURE_INVALID', `${name}: another length`);

    for (const header of headers) {
      const value = vector.headers[header]!;
      for (const bad of [
        undefined,
        '',
        [value],
        [value, value],
        `${value} `,
        ` ${value}`,
        `${value},${value}`,
      ])
        t.equal(
          verdict(provider, vector, { headers: { ...vector.headers, [header]: bad } }),
          'SIGNATURE_MISSING',
          `${name}: ${header}: ${JSON.stringify(bad)}`,
        );
    }
  }

  const [first, second] = vectors as [Vector, Vector];
  t.equal(
    verdict(provider, first, { headers: second.headers }),
    'SIGNATURE_INVALID',
    'a signature of another request',
  );
  const [header] = headers as [string];
  const signature = new RegExp(encoding === 'hex' ? /[0-9a-f]{64}/ : /[A-Za-z0-9+/]{26,}=*/).exec(
    first.headers[header]!,
  )![0];
  for (const bad of [
    'none',
    signature.slice(2),
    signature.slice(0, -4),
    `${signature}AAAA`,
    `!${signature.slice(1)}`,
  ])
    t.equal(
      verdict(provider, first, {
        headers: { ...first.headers, [header]: first.headers[header]!.replace(signature, bad) },
      }),
      'SIGNATURE_MISSING',
      `${header} of the wrong form: ${bad}`,
    );
}

/** What holds where the time is signed, too. */
export function testStaleness(t: Test, provider: string, signedAtMs: number, toleranceMs: number): void {
  for (const vector of vectorsOf(provider)) {
    const at = (receivedAtMs: number) => verdict(provider, vector, { receivedAtMs });
    for (const fine of [-toleranceMs, 0, toleranceMs])
      t.equal(at(signedAtMs + fine), undefined, `${fine} ms`);
    for (const stale of [-toleranceMs - 1, toleranceMs + 1, -1e12, 1e12])
      t.equal(at(signedAtMs + stale), 'SIGNATURE_STALE', `${vector.name}: ${stale} ms`);
  }
}
