import { choosePort } from './ports.ts';

/** Where a service listens, and how it is reached from this machine. */
export interface Listening {
  port: number;
  /** `http://127.0.0.1:PORT` */
  address: string;
}

const API_PORT = 3000;
const INGEST_PORT = 3001;
const EVERYWHERE = ['0.0.0.0', '::'];

/**
 * Where the API and ingest are to listen, by `HOST`, `PORT` and `INGEST_PORT` as the services read them.
 * @throws DevError DEV_PORT
 */
export async function chooseAddresses(
  env: NodeJS.ProcessEnv,
  say: (line: string) => void,
): Promise<{ api: Listening; ingest: Listening }> {
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
  if (!env.PORT && api !== API_PORT) {
    say(`port ${API_PORT} is taken, so the API listens on ${api}; set PORT to choose another`);
  }
  return { api: listening(api), ingest: listening(ingest) };
}
