import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:net';
import { type ConnectionOptions, connect, createServer, type TlsOptions } from 'node:tls';
import { testCertificates } from '@calltally/stack/testing';
import { test } from 'tap';
import { tlsFault } from '../src/index.ts';

const NAMES = { engine: 'Kafka', address: 'THERE', authorities: 'CA', client: 'CERT' };

test('each way that a TLS connection fails is named in one line', async (t) => {
  const certificates = await testCertificates(t);
  const identity = ({ cert, key }: { cert: string; key: string }) => ({
    cert: readFileSync(cert),
    key: readFileSync(key),
  });
  const ca = readFileSync(certificates.ca);
  const server = identity(certificates.server);

  /** What Node says when it connects to such a server, until it could read. */
  const errorOf = async (there: TlsOptions | undefined, here: ConnectionOptions): Promise<Error> => {
    const listening =
      there === undefined
        ? createPlainServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
        : createServer(there, (socket) => socket.on('error', () => {}));
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    t.teardown(() => listening.close());
    const { port } = listening.address() as { port: number };
    const socket = connect({ port, host: '127.0.0.1', ...here });
    // A server's alert is only read by a client that reads.
    socket.resume();
    const error = await new Promise<Error>((resolve, reject) => {
      socket.once('error', resolve);
      socket.once('close', () => reject(new Error('it was closed without an error')));
    });
    socket.destroy();
    return error;
  };

  const mutual = { ...server, ca, requestCert: true, rejectUnauthorized: true };
  for (const [what, there, here, line] of [
    ['no authority', server, {}, /authority that is not trusted; set CA /],
    ['another authority', server, { ca: readFileSync(certificates.otherCa) }, /authority .* set CA /],
    ['expired', identity(certificates.expired), { ca }, /^Kafka's certificate has expired/],
    ['another name', identity(certificates.elsewhere), { ca }, /another name .* THERE/],
    ['no certificate of ours', mutual, { ca }, /client certificate .* CERT/],
    ['no TLS there', undefined, { ca }, /does not speak TLS on that port; correct THERE/],
    [
      'no version in common',
      { ...server, minVersion: 'TLSv1.3' },
      { ca, maxVersion: 'TLSv1.2' },
      /^cannot make a TLS connection to Kafka/,
    ],
  ] as [string, TlsOptions | undefined, ConnectionOptions, RegExp][]) {
    const error = await errorOf(there, here);
    const said = tlsFault(error, NAMES);
    t.match(said, line, `${what}: ${error.message}`);
    t.notMatch(said, /\n|127\.0\.0\.1/);
    // Some clients keep only the message.
    t.equal(tlsFault(new Error(error.message), NAMES), said, `${what}, by its message`);
  }
});

test('other failures are none of TLS', (t) => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' });
  for (const thrown of [refused, new Error('read ECONNRESET'), 'certificate has expired', undefined])
    t.equal(tlsFault(thrown, NAMES), undefined);
  t.end();
});
