import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { resetConnection, type Test } from '@calltally/stack/testing';

/** A proxy to an engine that can be cut (connections reset, new ones refused) or hung (nothing passes, nothing closes). */
export interface Gate {
  readonly port: number;
  cut(): Promise<void>;
  hang(): void;
  open(): Promise<void>;
}

/** Opens a gate to `port` of 127.0.0.1 until `t` ends. */
export async function gateTo(t: Test, port: number): Promise<Gate> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let hung = false;
  let server: Server | undefined;
  let own = 0;

  function through(client: Socket): void {
    const engine = connect(port, '127.0.0.1');
    const pair = [client, engine] as const;
    pairs.add(pair);
    // Whoever waits for an answer keeps the process alive, not the proxy.
    for (const socket of pair) socket.unref();
    for (const [from, to] of [pair, [engine, client]] as const) {
      from.on('error', () => {});
      from.on('data', (chunk) => to.write(chunk));
      from.on('close', () => {
        to.destroy();
        pairs.delete(pair);
      });
      if (hung) from.pause();
    }
  }

  const gate = {
    get port() {
      return own;
    },
    async open() {
      hung = false;
      for (const pair of pairs) for (const socket of pair) socket.resume();
      if (server !== undefined) return;
      server = createServer(through).listen(own, '127.0.0.1');
      await once(server, 'listening');
      own = (server.address() as AddressInfo).port;
    },
    hang() {
      hung = true;
      for (const pair of pairs) for (const socket of pair) socket.pause();
    },
    async cut() {
      const closing = server;
      server = undefined;
      for (const [client] of pairs) resetConnection(client);
      if (closing !== undefined) await new Promise((resolve) => closing.close(resolve));
    },
  };
  t.teardown(() => gate.cut());
  await gate.open();
  return gate;
}
