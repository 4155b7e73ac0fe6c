import { connect } from 'node:net';

const PROBE_TIMEOUT_MS = 2000;

/**
 * Sends `request` to 127.0.0.1 and hands what has come back so far to `judge` until it says true or false.
 * Nothing there, a closed connection or two seconds of silence are false.
 */
export function probe(
  port: number,
  request: Uint8Array,
  judge: (reply: Buffer) => boolean | undefined,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' });
    let reply = Buffer.alloc(0);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(PROBE_TIMEOUT_MS, () => end(false));
    socket.on('connect', () => socket.write(request));
    socket.on('error', () => end(false));
    socket.on('close', () => end(false));
    socket.on('data', (chunk) => {
      reply = Buffer.concat([reply, chunk]);
      const verdict = judge(reply);
      if (verdict !== undefined) end(verdict);
    });
  });
}
