import { isIP, isIPv6 } from 'node:net';

/** A host name or an IP address (IPv6 without brackets), and a port from 1 to 65535. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

const hostPort =
  /^(?:(?<host>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)|\[(?<ipv6>[^\]]+)\]):(?<port>\d{1,5})$/;

/** Parses `a:1, [::1]:2`. Undefined if any item is not `host:port`, or there is none. */
export function parseHostPorts(text: string): HostPort[] | undefined {
  const found: HostPort[] = [];
  for (const item of text.split(',')) {
    const { host, ipv6 = '', port: digits } = hostPort.exec(item.trim())?.groups ?? {};
    const address = host ?? (isIPv6(ipv6) ? ipv6 : undefined);
    const port = Number(digits);
    if (address === undefined || !(port >= 1 && port <= 65_535)) return undefined;
    found.push({ host: address, port });
  }
  return found;
}

/** As `parseHostPorts` takes it. */
export function writeHostPort({ host, port }: HostPort): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Names of networks from which no outside client can connect. */
const networkNames = new Set(['loopback', 'linklocal', 'uniquelocal']);

/**
 * Parses `10.0.0.0/8, ::1, loopback`. Undefined if any item is neither an address, nor a network with a prefix length, nor
 * one of the names. A prefix length of 0 is refused: it would trust everybody.
 */
export function parseNetworks(text: string): string[] | undefined {
  const items = text.split(',').map((item) => item.trim());
  return items.every(isNetwork) ? items : undefined;
}

function isNetwork(item: string): boolean {
  if (networkNames.has(item)) return true;
  const [address = '', prefix, ...more] = item.split('/');
  // An interface name (`fe80::1%eth0`) is only meaningful on one machine.
  const bits = address.includes('%') ? 0 : { 0: 0, 4: 32, 6: 128 }[isIP(address)]!;
  if (bits === 0 || more.length > 0) return false;
  return prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
}

/** True for `redis://` or `rediss://`, with optional userinfo, port and database number. */
export function isRedisUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname, pathname, username, password } = new URL(text);
  return (
    (protocol === 'redis:' || protocol === 'rediss:') &&
    hostname !== '' &&
    /^(\/\d*)?$/.test(pathname) &&
    isPercentEncoded(username) &&
    isPercentEncoded(password)
  );
}

const isPercentEncoded = (text: string) => !/%(?![0-9A-Fa-f]{2})/.test(text);

// Not `URL`, which cannot parse the several hosts of a replica set.
const mongoUri =
  /^mongodb(?:\+srv)?:\/\/(?:[^@/\s?]+@)?[^@/\s?,]+(?:,[^@/\s?,]+)*(?:\/(?<database>[^?\s/@.$"\\]*))?(?:\?\S*)?$/;

/** True for `mongodb://` or `mongodb+srv://` with at least one host. */
export function isMongoUri(text: string): boolean {
  return mongoUri.test(text);
}

/** The database that a Mongo URI names, if any. */
export function databaseOf(uri: string): string | undefined {
  return mongoUri.exec(uri)?.groups?.database || undefined;
}
