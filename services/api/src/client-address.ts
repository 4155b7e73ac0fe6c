import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';

const IPV4_WITH_PORT = /^(\d+(?:\.\d+){3}):\d+$/;
const BRACKETED = /^\[([^\]]+)\](?::\d+)?$/;
const MAPPED = /^::ffff:(\d+(?:\.\d+){3})$/i;

/**
 * The address of whoever asks: of the connection, or what a trusted proxy says of it. Some proxies write a port too, or
 * that they do not know; then it is the proxy's own.
 */
export function clientOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  return plainAddress(ip) ?? plainAddress(socket.remoteAddress) ?? '';
}

/** The address that limits count by: of IPv6 its first 64 bits, since who has one address there has all of these. */
export function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const zeros = tail === undefined ? 0 : 8 - groups.length - (tail === '' ? 0 : tail.split(':').length);
  return [...groups, ...Array<string>(zeros).fill('0'), ...(tail ?? '').split(':')].slice(0, 4).join(':');
}

/** @param text undefined where the connection is no more */
function plainAddress(text: string | undefined): string | undefined {
  if (text === undefined || isIPv4(text)) return text;
  const [bare = ''] = (IPV4_WITH_PORT.exec(text)?.[1] ?? BRACKETED.exec(text)?.[1] ?? text).split('%', 1);
  const address = MAPPED.exec(bare)?.[1] ?? bare;
  return isIP(address) === 0 ? undefined : address;
}
