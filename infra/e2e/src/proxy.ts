import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { resetConnection } from '@calltally/stack/testing';

/** Data that waits in one direction of a connection. */
type Waiting = { dueMs: number; chunk: Buffer }[];

/** How many times a second a throttled line sends, so that data trickles instead of arriving late in one piece. */
const PIECES_PER_SECOND = 20;

/** A TCP proxy between services and one engine on 127.0.0.1. It is healthy at first, and simulates network faults. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: { host: string; port: number };
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #delayMs = 0;
  #bytesPerSecond = Number.POSITIVE_INFINITY;
  #refusing = false;
  #swallowing = false;

  private constructor(target: { host: string; port: number }) {
    this.#target = target;
    this.#server = createServer((client) => this.#accept(client));
  }

  /**
   * @param target URL of the engine
   * @param host where it listens
   */
  static async to(target: string, host = '127.0.0.1'): Promise<TcpProxy> {
    const { hostname, port } = new URL(target);
    const proxy = new TcpProxy({ host: hostname, port: Number(port) });
    proxy.#server.listen(0, host);
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Delays everything sent from now on, in each direction. */
  delay(eachWayMs: number): void {
    this.#delayMs = eachWayMs;
  }

  /** Limits the bytes a second of each connection, in each direction. */
  throttle(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** Resets all connections, and each new one. */
  cut(): void {
    this.#refusing = true;
    for (const [client] of this.#pairs) resetConnection(client);
  }

  /**
   * Drops everything that is sent, silently, on new connections too. Connections that were open meanwhile stay dead
   * after healing, as with a router that forgot them.
   */
  halfOpen(): void {
    this.#swallowing = true;
    for (const [client, engine] of this.#pairs) {
      client.removeAllListeners('data').resume();
      engine.removeAllListeners('data').resume();
    }
  }

  /** Ends the fault. */
  heal(): void {
    this.#delayMs = 0;
    this.#bytesPerSecond = Number.POSITIVE_INFINITY;
    this.#refusing = false;
    this.#swallowing = false;
  }

  /** Closes all connections and stops listening. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const pair of this.#pairs) for (const socket of pair) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.on('error', () => {});
      resetConnection(client);
      return;
    }
    const engine = connect(this.#target.port, this.#target.host);
    const pair = [client, engine] as const;
    this.#pairs.add(pair);
    for (const [from, to] of [pair, [engine, client]] as const) {
      from.setNoDelay(true);
      from.on('error', () => {});
      from.on('close', () => {
        this.#pairs.delete(pair);
        to.destroy();
      });
      if (this.#swallowing) from.resume();
      else this.#forward(from, to);
    }
  }

  #forward(from: Socket, to: Socket): void {
    const waiting: Waiting = [];
    let pumping = false;
    from.on('data', async (chunk: Buffer) => {
      if (this.#delayMs === 0 && this.#bytesPerSecond === Number.POSITIVE_INFINITY && !pumping) {
        to.write(chunk);
        return;
      }
      waiting.push({ dueMs: performance.now() + this.#delayMs, chunk });
      if (pumping) return;
      pumping = true;
      await this.#pump(waiting, to);
      pumping = false;
    });
  }

  /** Writes the queued data in order, each chunk when it is due. Ends when the queue is empty or the socket closed. */
  async #pump(waiting: Waiting, to: Socket): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const pauseMs = next.dueMs - performance.now();
      if (pauseMs > 0) await sleep(pauseMs);
      for (let at = 0; at < next.chunk.length; ) {
        // Data in transit when the line went half-open is lost too.
        if (to.destroyed || this.#swallowing) return;
        const size = Math.ceil(Math.min(next.chunk.length - at, this.#bytesPerSecond / PIECES_PER_SECOND));
        to.write(next.chunk.subarray(at, at + size));
        at += size;
        if (Number.isFinite(this.#bytesPerSecond)) await sleep((size / this.#bytesPerSecond) * 1_000);
      }
    }
  }
}

/** The address of the engine's proxy, or of the engine if it has none. */
export function through(line: TcpProxy | undefined, address: string, options = ''): string {
  if (line === undefined) return address;
  const url = new URL(address + options);
  url.port = String(line.port);
  return url.href;
}
