/** What an engine and our settings of it are called in messages. */
export interface TlsNames {
  engine: string;
  /** Where its address is set, and whether to use TLS. */
  address: string;
  /** The authorities that are trusted. */
  authorities: string;
  /** Our own certificate and its key. */
  client: string;
}

/** By code and message of Node's errors; the first that fits holds. Some clients keep only one of the two. */
const FAULTS: [RegExp, (names: TlsNames) => string][] = [
  [
    /UNABLE_TO_(VERIFY|GET)|SELF_SIGNED|unable to (verify the first|get (local )?issuer) certificate|self.signed certificate/,
    ({ engine, authorities }) =>
      `${engine}'s certificate is signed by an authority that is not trusted; set ${authorities} to that authority's certificate`,
  ],
  [
    /CERT_HAS_EXPIRED|certificate has expired/,
    ({ engine }) => `${engine}'s certificate has expired; renew it there`,
  ],
  [
    /CERT_NOT_YET_VALID|certificate is not yet valid/,
    ({ engine }) => `${engine}'s certificate is not valid yet; compare the clocks`,
  ],
  [
    /ERR_TLS_CERT_ALTNAME_INVALID|does not match certificate's altnames/,
    ({ engine, address }) =>
      `${engine}'s certificate is for another name than its address; correct ${address}, or have it issued for that name`,
  ],
  [
    /ALERT_(CERTIFICATE|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)|alert (certificate|bad certificate|unsupported certificate|unknown ca|access denied|handshake failure)/,
    ({ engine, client }) =>
      `${engine} asks for a client certificate that it trusts and that has not expired; set ${client}`,
  ],
  [
    /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|wrong version number|packet length too long/,
    ({ engine, address }) => `${engine} does not speak TLS on that port; correct ${address}`,
  ],
  [
    /before secure TLS connection/,
    ({ engine, address }) =>
      `${engine} closed the connection where TLS should begin; if it runs, see that ${address} name a port with TLS`,
  ],
  [
    /^(ERR_(SSL|TLS|OSSL)|EPROTO|CERT_)|SSL routines/,
    ({ engine, address }) =>
      `cannot make a TLS connection to ${engine}; see ${address}, and which versions and ciphers of TLS the server takes`,
  ],
];

/** What is wrong with a TLS connection, and what to correct, in one line without an address; undefined if it is not TLS. */
export function tlsFault(thrown: unknown, names: TlsNames): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  const { code, message } = thrown as NodeJS.ErrnoException;
  const said = `${code ?? ''} ${message}`;
  return FAULTS.find(([pattern]) => pattern.test(said))?.[1](names);
}
