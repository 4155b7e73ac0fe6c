import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Daemon } from './daemon.ts';
import type { EngineOptions } from './engine.ts';
import { HAPROXY, obtainTool } from './obtain/tools.ts';
import { probe } from './probe.ts';

interface BalancerOptions extends EngineOptions {
  /** Where it listens. */
  port: number;
  /** The ports of the API's processes. */
  backends: readonly number[];
}

export interface Balancer {
  /** `http://127.0.0.1:PORT` */
  readonly address: string;
  readonly pid: number | undefined;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** Starts HAProxy in front of API processes on this machine. Rejects with StackError. */
export async function startBalancer({ port, backends, log, restart, ...given }: BalancerOptions) {
  const dataDir = resolve(given.dataDir);
  const command = await obtainTool(HAPROXY, log);
  await mkdir(dataDir, { recursive: true });
  await writeFile(join(dataDir, 'haproxy.cfg'), settings(port, backends));
  const daemon = new Daemon({
    name: 'haproxy',
    dataDir,
    log,
    restart,
    command,
    args: ['-db', '-f', 'haproxy.cfg'],
    isReady: () => probe(port, Buffer.from('GET /healthz HTTP/1.0\r\n\r\n'), (reply) => reply.length > 0),
  });
  await daemon.start();
  const balancer: Balancer = {
    address: `http://127.0.0.1:${port}`,
    get pid() {
      return daemon.pid;
    },
    stop: (signal) => daemon.stop(signal),
  };
  return balancer;
}

function settings(port: number, backends: readonly number[]): string {
  const servers = backends.map((backend, i) => `  server api-${i + 1} 127.0.0.1:${backend}`);
  return `defaults
  mode http
  timeout connect 1s
  # Busy is not away: a process that is gone refuses the connection at once.
  timeout check 5s
  # Streams are silent for up to 5 s, and last for minutes.
  timeout client 60s
  timeout server 60s
  # Every request only reads, so it may be sent to another process if the first one dies.
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response

frontend calltally
  bind 127.0.0.1:${port}
  option forwardfor
  default_backend api

backend api
  balance roundrobin
  option httpchk GET /readyz
  default-server check inter 1s fall 2 rise 1
${servers.join('\n')}
`;
}
