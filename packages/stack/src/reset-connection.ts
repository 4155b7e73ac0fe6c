import type { Socket } from 'node:net';

/**
 * Ends a connection as if this end had been killed: the peer sees a reset. If it is ended already, it is closed without one:
 * while Node ends it, `resetAndDestroy` fails, the connection is never closed, and the process never exits.
 */
export function resetConnection(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}
