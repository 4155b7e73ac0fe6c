import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

const IPV4_WITH_PORT = /^(\d+(?:\.\d+){3}):\d+$/;
const BRACKETED = /^\[([^\]]+)\](?::\d+)?$/;
const MAPPED = /^::ffff:(\d+(?:\.\d+){3})$/i;

/**
 * The client's address: the connection's, or what a trusted proxy reports. Some proxies append a port. If a proxy
 * reports no address, its own is used.
 */
export function clientOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  return plainAddress(ip) ?? plainAddress(socket.remoteAddress) ?? '';
}

/** The address that limits count by: the first 64 bits of IPv6, since a client usually has all addresses below them. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}

/** @param text undefined if the connection is closed */
function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined || isIPv4(text)) return text;
  const [bare = ''] = (IPV4_WITH_PORT.exec(text)?.[1] ?? BRACKETED.exec(text)?.[1] ?? text).split('%', 1);
  const address = MAPPED.exec(bare)?.[1] ?? bare;
  return isIP(address) === 0 ? undefined : address;
}
