import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import type { Test } from '@calltally/stack/testing';

/** Keys of requests, as in Kafka's protocol. */
export const REQUEST = {
  fetch: 1,
  listOffsets: 2,
  metadata: 3,
  offsetCommit: 8,
  joinGroup: 11,
  heartbeat: 12,
} as const;

interface Request {
  key: number;
  port: number;
}

/**
 * The connections of one Kafka client of this process. Answers can be kept from it: brokers name their own addresses, so
 * a proxy would see only the first connection.
 */
export class KafkaSockets {
  /** With the keys of the requests that each has sent. */
  readonly #open = new Map<Socket, Set<number>>();
  #isLost: (request: Request) => boolean = () => false;

  /** @param clientId of the requests; other clients, like producers of a test, are left alone */
  constructor(t: Test, clientId: string) {
    const watch = (message: unknown) => {
      const { socket } = message as { socket: Socket };
      // Not at once: to connect sets `write` anew.
      socket.once('connect', () => {
        const write = socket.write;
        socket.write = ((data: Uint8Array | string, ...rest: []) => {
          const request = parseRequest(data);
          if (request?.clientId === clientId) this.#sent(socket, request.key);
          return write.call(socket, data, ...rest);
        }) as typeof write;
      });
    };
    subscribe('net.client.socket', watch);
    t.teardown(() => unsubscribe('net.client.socket', watch));
  }

  /**
   * Keeps all further answers from the connections that have sent this request; if there are none, from the one that
   * sends it next. Others get theirs.
   * @param only connections to this port, and those that have not sent the request `without`
   */
  hangAt(key: number, { port, without }: { port?: number; without?: number } = {}): void {
    const sent = [...this.#open].filter(
      ([socket, keys]) =>
        keys.has(key) &&
        socket.remotePort === (port ?? socket.remotePort) &&
        (without === undefined || !keys.has(without)),
    );
    for (const [socket] of sent) socket.pause();
    if (sent.length > 0) return;
    this.#isLost = (request) => {
      if (request.key !== key) return false;
      this.answerNew();
      return true;
    };
  }

  /** Keeps all answers of a broker from all connections, new ones too. */
  lose(port: number): void {
    this.#isLost = (request) => request.port === port;
    for (const socket of this.#open.keys()) if (socket.remotePort === port) socket.pause();
  }

  /** Keeps from every connection of a broker, new ones too, what comes after it has sent one of these requests. */
  loseAt(keys: readonly number[], port: number): void {
    this.#isLost = (request) => request.port === port && keys.includes(request.key);
  }

  /** New connections get answers again. */
  answerNew(): void {
    this.#isLost = () => false;
  }

  /** All connections get answers again, and those that were kept from them. */
  heal(): void {
    this.answerNew();
    for (const socket of this.#open.keys()) socket.resume();
  }

  /** The brokers that open connections have sent this request to. */
  portsOf(key: number): (number | undefined)[] {
    return [...this.#open].filter(([, keys]) => keys.has(key)).map(([socket]) => socket.remotePort);
  }

  #sent(socket: Socket, key: number): void {
    const keys = this.#open.get(socket);
    if (keys === undefined) socket.once('close', () => this.#open.delete(socket));
    this.#open.set(socket, new Set(keys).add(key));
    if (this.#isLost({ key, port: socket.remotePort ?? 0 })) socket.pause();
  }
}

/** The header of a request: size, key, version, correlation id, and the client id with its length. */
function parseRequest(data: Uint8Array | string): { key: number; clientId: string } | undefined {
  if (typeof data === 'string') return undefined; // for another engine
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < 14 || bytes.readInt32BE(0) !== bytes.length - 4) return undefined;
  const length = bytes.readInt16BE(12);
  return { key: bytes.readInt16BE(4), clientId: bytes.toString('utf8', 14, 14 + Math.max(0, length)) };
}
