import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';

// Below every system's range of ports for outgoing connections. Otherwise a client that keeps connecting to the port of
// a stopped engine could get that port as its own, connect to itself, and block the engine's restart.
const PORT_MIN = 20_000;
const PORT_MAX = 32_000;
/** Ports that a process reserves at once, until it ends. */
const RESERVED = 60;
const RANGES = (PORT_MAX - PORT_MIN) / RESERVED;
const ATTEMPTS_MAX = 3;

/**
 * Calls `attempt` with one free port for each name. Reuses the folder's last ports if they are still free. If `attempt`
 * fails and one of the ports is in use by now, tries again with other ports, a limited number of times.
 */
export async function onFreePorts<Name extends string, Result>(
  dataDir: string,
  names: readonly Name[],
  attempt: (ports: Record<Name, number>) => Promise<Result>,
): Promise<Result> {
  const file = join(dataDir, 'ports.json');
  for (let tries = 1; ; tries++) {
    const ports = await choose(file, names);
    await writeFile(file, JSON.stringify(ports));
    try {
      return await attempt(ports);
    } catch (error) {
      const free = await Promise.all(Object.values<number>(ports).map(isFree));
      if (tries === ATTEMPTS_MAX || free.every(Boolean)) throw error;
    }
  }
}

async function choose<Name extends string>(
  file: string,
  names: readonly Name[],
): Promise<Record<Name, number>> {
  const last: Record<string, unknown> = await readFile(file, 'utf8')
    .then(JSON.parse)
    .catch(() => ({}));
  const chosen: Record<string, number> = {};
  for (const name of names) {
    const before = last[name];
    const keep = typeof before === 'number' && (await isFree(before));
    chosen[name] = keep ? before : await draw(new Set(Object.values(chosen)));
  }
  return chosen as Record<Name, number>;
}

/**
 * A port that nobody has at present, that no outgoing connection is given, and that neither this process nor any other one
 * that is running has drawn: a service may listen on it much later.
 */
export function drawPort(): Promise<number> {
  return draw(new Set());
}

/** What this process has reserved and not drawn yet. */
const reserved: number[] = [];
let reserving: Promise<void> | undefined;

async function draw(taken: ReadonlySet<number>): Promise<number> {
  for (;;) {
    const port = reserved.pop();
    if (port === undefined) {
      reserving ??= reserve().finally(() => {
        reserving = undefined;
      });
      await reserving;
    } else if (!taken.has(port) && (await isFree(port))) return port;
  }
}

/** Reserves a range of ports for this process, by listening on the first one. That ends with the process, however it does. */
async function reserve(): Promise<void> {
  const start = randomInt(RANGES);
  for (let i = 0; i < RANGES; i++) {
    const first = PORT_MIN + ((start + i) % RANGES) * RESERVED;
    const guard = await listenOn(first);
    if (guard === undefined) continue;
    guard.unref();
    for (let port = first + 1; port < first + RESERVED; port++) reserved.push(port);
    return;
  }
  throw new Error(`all ports of 127.0.0.1 between ${PORT_MIN} and ${PORT_MAX} are reserved`);
}

/** Whether a server can listen on this port of 127.0.0.1 now. */
async function isFree(port: number): Promise<boolean> {
  const server = await listenOn(port);
  if (server === undefined) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** Undefined if another one has this port of 127.0.0.1. */
function listenOn(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(server));
  });
}

/** Whether servers can listen on ::1. Some containers have no IPv6. */
export function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}
