import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import { run } from './obtain/command.ts';

/** A certificate and its private key, as paths of PEM files. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

/** Certificates for engines and their clients, as paths of PEM files. */
export interface Certificates {
  /** The authority that signed all but `stranger`. */
  readonly ca: string;
  /** The authority that signed `stranger`. */
  readonly otherCa: string;
  /** A server at 127.0.0.1, ::1 and localhost. */
  readonly server: Identity;
  /** The same server, until yesterday. */
  readonly expired: Identity;
  /** A server at `elsewhere.invalid`. */
  readonly elsewhere: Identity;
  readonly client: Identity;
  readonly stranger: Identity;
}

/** How an engine uses them. */
export interface ServerTls {
  readonly identity: Identity;
  /** Trusted for clients and other nodes. */
  readonly ca: string;
  /** If given, clients must have a certificate, such as this one. */
  readonly mutual?: Identity;
}

const KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');
const HERE = 'IP:127.0.0.1,IP:::1,DNS:localhost';
const DAYS = 30;

/** Creates them in `folder`. The private keys of the authorities are deleted: they never sign again. */
export async function makeCertificates(folder: string): Promise<Certificates> {
  await mkdir(folder, { recursive: true });
  const path = (name: string) => join(folder, name);

  async function authority(name: string): Promise<Identity> {
    const files = { cert: path(`${name}.pem`), key: path(`${name}.key`) };
    const days = ['-days', `${DAYS}`];
    await openssl('req', '-x509', ...KEY, ...days, ...named(name), ...out(files));
    return files;
  }

  async function signed(by: Identity, name: string, altNames: string, days = DAYS): Promise<Identity> {
    const files = { cert: path(`${name}.pem`), key: path(`${name}.key`) };
    const request = path(`${name}.csr`);
    const alt = ['-addext', `subjectAltName=${altNames}`];
    await openssl('req', ...KEY, ...named(name), ...alt, ...out({ cert: request, key: files.key }));
    const sign = ['-CA', by.cert, '-CAkey', by.key, '-days', `${days}`, '-copy_extensions', 'copy'];
    await openssl('x509', '-req', '-in', request, ...sign, '-out', files.cert);
    await rm(request);
    return files;
  }

  const [ca, otherCa] = await Promise.all([authority('ca'), authority('other-ca')]);
  const [server, expired, elsewhere, client, stranger] = await Promise.all([
    signed(ca, 'server', HERE),
    signed(ca, 'expired', HERE, -1),
    signed(ca, 'elsewhere', 'DNS:elsewhere.invalid'),
    signed(ca, 'client', 'DNS:client.invalid'),
    signed(otherCa, 'stranger', 'DNS:stranger.invalid'),
  ]);
  await Promise.all([rm(ca.key), rm(otherCa.key)]);
  return { ca: ca.cert, otherCa: otherCa.cert, server, expired, elsewhere, client, stranger };
}

const named = (name: string) => ['-subj', `/O=calltally tests/CN=${name}`];
const out = ({ cert, key }: Identity) => ['-out', cert, '-keyout', key];

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args).catch((error) => {
    const remedy = 'install OpenSSL 3 (Debian: apt-get install openssl)';
    throw new StackError('STACK_UNAVAILABLE', 'certificates', (error as Error).message, remedy, error);
  });
}
