import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { hasIpv6 } from './ports.ts';

/** Only letters, digits and hyphens, because both are written into Kafka's settings and command lines. */
export interface Login {
  username: string;
  password: string;
}

export interface KafkaSecurity {
  login: Login;
  certificates: Certificates;
}

/**
 * The listeners of a secured Kafka. All but `ipv6` (plain, on ::1) use TLS with the certificate of this name, else
 * `server`. `login` asks for a login by PLAIN, SCRAM or OAUTHBEARER (unsecured tokens), `mutual` for a client
 * certificate.
 */
export type SecuredListener = 'login' | 'mutual' | 'expired' | 'elsewhere' | 'ipv6';

const PROTOCOLS: Record<SecuredListener, string> = {
  login: 'SASL_SSL',
  mutual: 'SSL',
  expired: 'SSL',
  elsewhere: 'SSL',
  ipv6: 'PLAINTEXT',
};
/** Without `ipv6` where the machine has none. */
export const SECURED_LISTENERS = (Object.keys(PROTOCOLS) as SecuredListener[]).filter(
  (name) => name !== 'ipv6' || hasIpv6(),
);

/**
 * How long a login holds, as with hosted brokers. Clients that do not log in again on the same connection lose it.
 * kafkajs does so ten seconds before the end, and Kafka allows it once a second.
 */
export const LOGIN_LIFE_MS = 12_000;

const SECURITY = 'org.apache.kafka.common.security';

/** Options that make Kafka's storage tool create the user when it formats a new broker's folder. */
export function scramUser({ username, password }: Login): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${username},password=${password}]`,
  ]);
}

/** Where these listeners are, as `host:port`. */
export function securedAddresses(
  names: readonly SecuredListener[],
  ports: Readonly<Record<SecuredListener, number>>,
): Record<SecuredListener, string> {
  const addresses = names.map((name) => [name, `${name === 'ipv6' ? '[::1]' : '127.0.0.1'}:${ports[name]}`]);
  return Object.fromEntries(addresses);
}

/** Settings of these listeners. Writes their keystores to `folder`. */
export async function securedSettings(
  { login: { username, password }, certificates }: KafkaSecurity,
  folder: string,
): Promise<string[]> {
  const map = SECURED_LISTENERS.map((name) => `${name.toUpperCase()}:${PROTOCOLS[name]}`);
  const jaas = (mechanism: string, module: string) =>
    `listener.name.login.${mechanism}.sasl.jaas.config=${SECURITY}.${module}`;
  const keystores = Object.entries({
    login: certificates.server,
    mutual: certificates.server,
    expired: certificates.expired,
    elsewhere: certificates.elsewhere,
  }).map(([name, { cert, key }]) => pemStore(name, 'keystore', [key, cert], folder));
  return [
    `listener.security.protocol.map=${['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', ...map]}`,
    `connections.max.reauth.ms=${LOGIN_LIFE_MS}`,
    'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
    jaas('plain', `plain.PlainLoginModule required user_${username}="${password}";`),
    jaas('scram-sha-256', 'scram.ScramLoginModule required;'),
    jaas('scram-sha-512', 'scram.ScramLoginModule required;'),
    // Without settings of its own, this module takes unsecured tokens.
    jaas(
      'oauthbearer',
      'oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";',
    ),
    ...(await Promise.all(keystores)).flat(),
    'listener.name.mutual.ssl.client.auth=required',
    ...(await pemStore('mutual', 'truststore', [certificates.ca], folder)),
  ];
}

/** Relative, since a path may contain anything and is read as a Java property. */
async function pemStore(listener: string, kind: string, files: string[], folder: string): Promise<string[]> {
  const name = `${listener}-${kind}.pem`;
  const parts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  await writeFile(join(folder, name), parts.join(''), { mode: 0o600 });
  const prefix = `listener.name.${listener}.ssl.${kind}`;
  return [`${prefix}.type=PEM`, `${prefix}.location=${name}`];
}
