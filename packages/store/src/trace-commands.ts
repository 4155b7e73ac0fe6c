import { beginStoreSpan, failed } from '@calltally/telemetry';
import type { MongoClient } from 'mongodb';

type Span = NonNullable<ReturnType<typeof beginStoreSpan>>;

/**
 * Records each command to Mongo by its name and collection, without its values. The driver reports a command in the context
 * of whoever asked for it.
 * @param client with `monitorCommands`
 */
export function traceCommands(client: MongoClient): void {
  const underWay = new Map<number, Span>();
  client.on('commandStarted', ({ requestId, commandName, databaseName, command, address }) => {
    const collection = command[commandName === 'getMore' ? 'collection' : commandName];
    const span = beginStoreSpan(
      typeof collection === 'string' ? `${commandName} ${collection}` : commandName,
      {
        'db.system.name': 'mongodb',
        'db.operation.name': commandName,
        'db.namespace': databaseName,
        ...serverOf(address),
        ...(typeof collection === 'string' && { 'db.collection.name': collection }),
      },
    );
    if (span !== undefined) underWay.set(requestId, span);
  });
  const take = (requestId: number) => {
    const span = underWay.get(requestId);
    underWay.delete(requestId);
    return span;
  };
  client.on('commandSucceeded', ({ requestId }) => take(requestId)?.end());
  client.on('commandFailed', ({ requestId, failure }) => {
    const span = take(requestId);
    if (span === undefined) return;
    failed(span, failure);
    span.end();
  });
}

/** @param address `host:port`, or an IPv6 address in brackets and the port */
function serverOf(address: string): { 'server.address': string; 'server.port': number } {
  const at = address.lastIndexOf(':');
  const host = address.slice(0, at).replace(/^\[(.*)\]$/, '$1');
  return { 'server.address': host, 'server.port': Number(address.slice(at + 1)) };
}
