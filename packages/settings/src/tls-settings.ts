import { createPrivateKey, X509Certificate } from 'node:crypto';
import Type from 'typebox';
import type { ReportFault } from './faults.ts';

/** PEM texts. Without `ca`, the authorities that Node knows are trusted. */
export interface Tls {
  readonly ca?: string;
  /** With `key`, the client's certificate. */
  readonly cert?: string;
  readonly key?: string;
}

const certificates = (description: string, remedy: string) =>
  Type.Optional(
    Type.Refine(
      Type.String({ description, remedy, inFile: true }),
      (text) => certificatesIn(text).length > 0,
    ),
  );

/** The schema of a variable with the authorities that sign an engine's certificates. */
export const authorities = (engine: string) =>
  certificates(
    `authorities (certificates in PEM) that may have signed ${engine}'s certificate, in place of those that Node knows`,
    'one or more certificates in PEM',
  );

/** The schema of a variable with our own certificate. */
export const clientCertificate = (keyVariable: string) =>
  certificates(
    `our certificate (PEM), with those between it and its authority; needs \`${keyVariable}\``,
    'one or more certificates in PEM, our own first',
  );

/** The schema of a variable with the key of our own certificate. */
export const clientKey = () =>
  Type.Optional(
    Type.Refine(
      Type.String({
        description: 'the private key (PEM, not encrypted) of our certificate',
        remedy: 'a private key in PEM that is not encrypted',
        inFile: true,
      }),
      isPrivateKey,
    ),
  );

/** A variable's name and value. */
type Named = readonly [variable: string, value: string | undefined];

/**
 * Reports certificates that do not fit together, or that nothing would use.
 * @param use the variable that turns TLS on, and the remedy if it does not; undefined if it does
 */
export function readTls(
  { ca, cert, key }: { ca: Named; cert: Named; key: Named },
  use: { variable: string; remedy: string } | undefined,
  report: ReportFault,
): Tls {
  for (const [given, needed] of [
    [cert, key],
    [key, cert],
  ] as const) {
    if (given[1] !== undefined && needed[1] === undefined)
      report([needed[0], given[0]], 'is missing', `set it or ${needed[0]}_FILE, because ${given[0]} is set`);
  }
  for (const [variable, value] of [ca, cert, key]) {
    if (value !== undefined && use !== undefined)
      report([use.variable, variable], 'does not turn on TLS', `${use.remedy}, or unset ${variable}`);
  }
  if (cert[1] && key[1] && !belongTogether(cert[1], key[1]))
    report([key[0], cert[0]], `is not the key of ${cert[0]}`, 'set both to what belongs together');
  return { ...(ca[1] && { ca: ca[1] }), ...(cert[1] && { cert: cert[1] }), ...(key[1] && { key: key[1] }) };
}

const BLOCK =
  /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]+-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g;

/** Those of a PEM text; none if one of them cannot be read. */
function certificatesIn(text: string): X509Certificate[] {
  try {
    return (text.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function isPrivateKey(text: string): boolean {
  try {
    return createPrivateKey(text).type === 'private';
  } catch {
    return false;
  }
}

function belongTogether(cert: string, key: string): boolean {
  // What cannot be read is another fault.
  if (!isPrivateKey(key)) return true;
  return certificatesIn(cert)[0]?.checkPrivateKey(createPrivateKey(key)) ?? true;
}
