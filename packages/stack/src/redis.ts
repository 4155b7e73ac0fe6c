import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { ServerTls } from './certificates.ts';
import { Daemon } from './daemon.ts';
import { type Engine, type EngineOptions, ownEngine } from './engine.ts';
import { obtainTool, REDIS } from './obtain/tools.ts';
import { onFreePorts } from './ports.ts';
import { probe } from './probe.ts';

export interface RedisOptions extends EngineOptions {
  /** Settings as redis-server's command line takes them. They override the defaults here. */
  args?: string[] | undefined;
  /** If given, the port speaks TLS alone. */
  tls?: ServerTls | undefined;
}

/** Starts a Redis with an append-only file. Rejects with StackError. */
export async function startRedis({ log, restart, tls, args = [], ...given }: RedisOptions): Promise<Engine> {
  const dataDir = resolve(given.dataDir);
  const command = await obtainTool(REDIS, log);
  await mkdir(dataDir, { recursive: true });
  return onFreePorts(dataDir, ['redis'], async ({ redis: port }) => {
    const daemon = new Daemon({
      name: 'redis',
      dataDir,
      log,
      restart,
      command,
      args: [...settings(port, tls), ...args],
      isReady: () => answersPing(port, tls),
    });
    await daemon.start();
    const address = `${tls === undefined ? 'redis' : 'rediss'}://127.0.0.1:${port}`;
    return ownEngine({ name: 'redis', address, dataDir }, daemon);
  });
}

function settings(port: number, tls: ServerTls | undefined): string[] {
  const values = {
    ...(tls === undefined ? { port } : securedPort(port, tls)),
    bind: '127.0.0.1',
    dir: '.',
    // If Redis evicted keys, a missing counter would look like no calls. Ingest refuses such a Redis.
    'maxmemory-policy': 'noeviction',
    appendonly: 'yes',
    appendfsync: 'everysec',
    save: '',
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, `${value}`]);
}

function securedPort(port: number, { identity, ca, mutual }: ServerTls): object {
  return {
    port: 0,
    'tls-port': port,
    'tls-cert-file': identity.cert,
    'tls-key-file': identity.key,
    'tls-ca-cert-file': ca,
    'tls-auth-clients': mutual === undefined ? 'no' : 'yes',
    'tls-cluster': 'yes',
  };
}

/** While Redis loads its file, it answers -LOADING and is not ready. */
function answersPing(port: number, tls: ServerTls | undefined): Promise<boolean> {
  const judge = (reply: Buffer) => {
    const line = reply.toString();
    return line.endsWith('\r\n') ? /^(\+PONG|-NOAUTH)/.test(line) : undefined;
  };
  return probe(port, Buffer.from('PING\r\n'), judge, tls);
}
