import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { StackError } from './errors.ts';
import { run } from './obtain/command.ts';

/** Only letters, digits and hyphens, because both are written into Kafka's settings and command lines. */
export interface Login {
  username: string;
  password: string;
}

const SECURITY = 'org.apache.kafka.common.security';
const REQUEST = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 365'.split(' ');

/** Options that make Kafka's storage tool create the user when it formats a new broker's folder. */
export function scramUser({ username, password }: Login): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
}

/** Settings of the SASL_SSL listener. Creates its certificate in `folder`, and `ca.pem` for clients to trust. */
export async function securedListener({ username, password }: Login, folder: string): Promise<string[]> {
  const scram = (bits: number) =>
    `listener.name.sasl_ssl.scram-sha-${bits}.sasl.jaas.config=${SECURITY}.scram.ScramLoginModule required;`;
  return [
    'listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL',
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    `listener.name.sasl_ssl.plain.sasl.jaas.config=${SECURITY}.plain.PlainLoginModule required user_${username}="${password}";`,
    scram(256),
    scram(512),
    'ssl.keystore.type=PEM',
    `ssl.keystore.location=${await keystore(folder)}`,
  ];
}

/** Created once per folder. The authority's private key is deleted, so it never signs another certificate. */
async function keystore(folder: string): Promise<string> {
  const path = (name: string) => join(folder, name);
  const store = path('keystore.pem');
  if (await stat(store).catch(() => undefined)) return store;
  const make = (name: string, subject: string, ...options: string[]) => {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
    return openssl(...REQUEST, '-subj', `/CN=${subject}`, ...files, ...options);
  };
  await make('ca', 'calltally tests');
  const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')];
  await make('broker', '127.0.0.1', ...signed, '-addext', 'subjectAltName=IP:127.0.0.1');
  const parts = [path('broker.key'), path('broker.pem')];
  await writeFile(store, (await Promise.all(parts.map((part) => readFile(part, 'utf8')))).join(''), {
    mode: 0o600,
  });
  await Promise.all([path('ca.key'), ...parts].map((file) => rm(file)));
  return store;
}

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args).catch((error) => {
    const remedy = 'install OpenSSL 3 (Debian: apt-get install openssl)';
    throw new StackError('STACK_UNAVAILABLE', 'kafka', (error as Error).message, remedy, error);
  });
}
