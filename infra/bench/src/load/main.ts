import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { answer } from '../child.ts';

/** Asks for `seconds`, or once with every key. */
export interface LoadRequest {
  url: string;
  seconds?: number;
}

export interface LoadReply {
  answers: number;
  failures: number;
  tookSeconds: number;
}

const CONNECTIONS = 32;

const [file] = process.argv.slice(2);
const keys: string[] = JSON.parse(readFileSync(file!, 'utf8'));
answer(load);

async function load({ url, seconds }: LoadRequest): Promise<LoadReply> {
  // Requests are made beforehand: to write a key into each as it is sent would make this the slower side.
  const shares = dealtOut(shuffled(keys));
  let client = 0;
  let beganMs = 0;
  const result = await new Promise<autocannon.Result>((resolve, reject) => {
    const running = autocannon(
      {
        url,
        connections: CONNECTIONS,
        ...(seconds === undefined ? { amount: keys.length } : { duration: seconds }),
        setupClient: (one) => one.setRequests(shares[client++]!),
      },
      (error, done) => (error ? reject(error) : resolve(done)),
    );
    running.on('start', () => {
      beganMs = Date.now();
    });
  });
  return {
    answers: result['2xx'],
    failures: result.errors + result.timeouts + result.non2xx,
    tookSeconds: (result.finish.getTime() - beganMs) / 1_000,
  };
}

/** A part of the keys for each connection. */
function dealtOut(all: readonly string[]): autocannon.Request[][] {
  const shares: autocannon.Request[][] = Array.from({ length: CONNECTIONS }, () => []);
  for (const [i, key] of all.entries()) {
    const headers = { authorization: `Bearer ${key}` };
    shares[i % CONNECTIONS]!.push({ method: 'GET', path: '/analytics/dashboard', headers });
  }
  return shares;
}

function shuffled<T>(list: readonly T[]): T[] {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}
