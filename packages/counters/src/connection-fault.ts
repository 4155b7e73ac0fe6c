import { type TlsNames, tlsFault } from '@calltally/tls';
import { CountersError } from './errors.ts';

const NAMES: TlsNames = {
  engine: 'Redis',
  address: 'REDIS_URL and REDIS_CLUSTER_NODES',
  authorities: 'REDIS_TLS_CA_FILE',
  client: 'REDIS_TLS_CERT_FILE and REDIS_TLS_KEY_FILE',
};
const REFUSES_LOGIN = /^(WRONGPASS|NOAUTH|NOPERM)\b/;

/** The error of a connection that could not be opened, with what to correct. */
export function connectionFault(thrown: unknown, usesTls: boolean): CountersError {
  const said = thrown instanceof Error ? thrown.message : String(thrown);
  if (REFUSES_LOGIN.test(said)) {
    const message = 'Redis refused the user or the password; correct REDIS_URL or REDIS_PASSWORD';
    return new CountersError('COUNTERS_CREDENTIALS', message, thrown);
  }
  const tls = tlsFault(thrown, NAMES);
  if (tls !== undefined) return new CountersError('COUNTERS_TLS', tls, thrown);
  return new CountersError('COUNTERS_LOST', `Redis cannot be reached: ${hintFor(thrown, usesTls)}`, thrown);
}

/** Redis does not say that it expected something else: it waits for more, or closes the connection. */
function hintFor(thrown: unknown, usesTls: boolean): string {
  const { code, message = '' } = thrown as NodeJS.ErrnoException;
  if (code === 'ECONNRESET' || /closed/i.test(message)) {
    const expected = usesTls ? `a client certificate (${NAMES.client})` : 'TLS (rediss:// in REDIS_URL)';
    return `it closed the connection; if it runs, see whether it expects ${expected}`;
  }
  if (usesTls && code === undefined) return 'no answer; if it runs, see whether that port speaks TLS';
  return code ?? 'no answer';
}
