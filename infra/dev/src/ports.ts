import { createServer } from 'node:net';
import { DevError } from './options.ts';

export type ServiceName = 'api' | 'ingest' | 'intake';

/** Where a service listens, and its address on this machine. */
export interface Listening {
  port: number;
  /** `http://127.0.0.1:PORT` */
  address: string;
}

const API_PORT = 3000;
const INGEST_PORT = 3001;
const INTAKE_PORT = 3002;
const EVERYWHERE = ['0.0.0.0', '::'];

/**
 * Chooses where the services listen, from their variables `HOST`, `PORT`, `INGEST_PORT` and `INTAKE_PORT`.
 * @throws DevError DEV_PORT
 */
export async function chooseAddresses(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<Record<ServiceName, Listening>> {
  const host = env.HOST || '127.0.0.1';
  const name = EVERYWHERE.includes(host) ? '127.0.0.1' : host;
  const listening = (port: number): Listening => ({ port, address: `http://${name}:${port}` });
  const api = await choosePort({ variable: 'PORT', value: env.PORT, usual: API_PORT, host });
  const ingest = await choosePort({
    variable: 'INGEST_PORT',
    value: env.INGEST_PORT,
    usual: INGEST_PORT,
    host,
    reserved: [api],
  });
  const intake = await choosePort({
    variable: 'INTAKE_PORT',
    value: env.INTAKE_PORT,
    usual: INTAKE_PORT,
    host,
    reserved: [api, ingest],
  });
  if (!env.PORT && api !== API_PORT) {
    say(`port ${API_PORT} is in use, so the API listens on ${api}; set PORT to choose another`);
  }
  return { api: listening(api), ingest: listening(ingest), intake: listening(intake) };
}

interface PortWish {
  /** The name of the variable, such as `PORT`. */
  variable: string;
  value: string | undefined;
  /** The port if the variable is not set. If it is in use, the next free one is chosen. */
  usual: number;
  host: string;
  /** Ports that are already assigned, though nothing listens there yet. */
  reserved?: readonly number[];
}

const STEPS_MAX = 100;

/** @throws DevError DEV_PORT if the port that the variable names is not available */
export async function choosePort({ variable, value, usual, host, reserved = [] }: PortWish): Promise<number> {
  if (value) {
    const port = Number(value);
    if (!/^\d{1,5}$/.test(value) || port > 65_535) {
      throw new DevError('DEV_PORT', `${variable} is not a port; set it to a number from 0 to 65535`);
    }
    if (port === 0) return freePort(host);
    if (!reserved.includes(port) && (await listens(port, host)) !== undefined) return port;
    throw new DevError(
      'DEV_PORT',
      `${variable}=${port} is in use; stop the process that listens there, or set another ${variable}`,
    );
  }
  for (let port = usual; port < usual + STEPS_MAX; port++) {
    if (!reserved.includes(port) && (await listens(port, host)) !== undefined) return port;
  }
  throw new DevError('DEV_PORT', `no port from ${usual} is free on ${host}; set ${variable} to a free port`);
}

async function freePort(host: string): Promise<number> {
  const port = await listens(0, host);
  if (port === undefined)
    throw new DevError('DEV_PORT', `cannot listen on ${host}; set HOST to an address of this machine`);
  return port;
}

/** The port that a server can listen on now. Undefined if it cannot. */
function listens(port: number, host: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
