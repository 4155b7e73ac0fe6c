import { setTimeout as sleep } from 'node:timers/promises';
import { Client, type Reply } from '../../client.ts';
import type { NodeProcess } from '../../processes.ts';
import type { Whale, WhaleService } from './service.ts';

const ASK_EVERY_MS = 100;
/** Two years are requested only now and then, because they cost Mongo a lot. */
const ASK_ALL_EVERY_MS = 10_000;
const LOOK_EVERY_MS = 500;
const WHOLE_WITHIN_MS = 600_000;
const COUNTED_WITHIN_MS = 30_000;

/** Answers for a whale's dashboards, from the emptying of Redis until all come from counters. */
export interface Asked {
  /** Answers for the default window, before and after it came from counters. */
  answers: number;
  /** Answers other than 200. */
  refusals: number;
  /** Answers other than 200 and other than 503 with `Retry-After`. */
  failures: number;
  slowestMs: number;
  /** Time from the start until the default window came from counters. */
  windowSeconds: number;
  /** Time until two years came from counters. */
  wholeSeconds: number;
  /** Answers for two years, 200 and others, before they came from counters. */
  allAnswered: number;
  allRefused: number;
}

/** The query for all calls of a whale: from a UTC day until now. */
export function everSince(from: number): string {
  return `?start_date=${new Date(from).toISOString().slice(0, 10)}`;
}

/** @throws Error if not everything comes from counters in time */
export async function askUntilWhole({ api, from }: WhaleService, { key }: Whale): Promise<Asked> {
  const asked: Asked = {
    answers: 0,
    refusals: 0,
    failures: 0,
    slowestMs: 0,
    windowSeconds: Number.NaN,
    wholeSeconds: Number.NaN,
    allAnswered: 0,
    allRefused: 0,
  };
  const beganMs = performance.now();
  const seconds = () => (performance.now() - beganMs) / 1_000;
  const isLate = () => seconds() * 1_000 > WHOLE_WITHIN_MS;
  const isWhole = () => !Number.isNaN(asked.wholeSeconds);

  const askForWindow = async (client: Client) => {
    while ((!isWhole() || Number.isNaN(asked.windowSeconds)) && !isLate()) {
      const next = sleep(ASK_EVERY_MS);
      const reply = await client.askAnyhow(key);
      noteReply(asked, reply);
      if (reply.source === 'counters' && Number.isNaN(asked.windowSeconds)) asked.windowSeconds = seconds();
      await next;
    }
  };
  const askForAll = async (client: Client) => {
    let askedMs = performance.now();
    while (!isLate()) {
      await sleep(LOOK_EVERY_MS);
      const isFilled =
        !Number.isNaN(asked.windowSeconds) && (await api.metrics()).sum('calltally_warming_users') === 0;
      if (!isFilled && performance.now() - askedMs < ASK_ALL_EVERY_MS) continue;
      const { status, source } = await client.askAnyhow(key, everSince(from));
      askedMs = performance.now();
      if (source === 'counters') {
        asked.wholeSeconds = seconds();
        return;
      }
      if (status === 200) asked.allAnswered += 1;
      else asked.allRefused += 1;
    }
  };
  const clients = [new Client(api.url), new Client(api.url)];
  await Promise.all([askForWindow(clients[0]!), askForAll(clients[1]!)]);
  for (const client of clients) client.close();
  if (isWhole()) return asked;
  throw new Error(`not everything came from counters within ${WHOLE_WITHIN_MS} ms: ${JSON.stringify(asked)}`);
}

/** Records an answer for the default window. */
export function noteReply(asked: Asked, { status, headers, tookMs }: Reply): void {
  asked.answers += 1;
  asked.slowestMs = Math.max(asked.slowestMs, tookMs);
  if (status === 200) return;
  asked.refusals += 1;
  if (status !== 503 || headers['retry-after'] === undefined) asked.failures += 1;
}

/**
 * Checks both ranges against the true calls, once everything sent is counted.
 * @throws Error if one of them is wrong
 */
export async function checkTotals({ api, from }: WhaleService, { key, truth }: Whale): Promise<void> {
  const client = new Client(api.url);
  const sentMs = Date.now();
  for (const query of ['', everSince(from)]) {
    for (;;) {
      const { text, headers } = await client.askAnyhow(key, query);
      if (Date.parse(String(headers['x-tally-as-of'])) > sentMs) {
        truth.check(text);
        break;
      }
      if (Date.now() > sentMs + COUNTED_WITHIN_MS)
        throw new Error(`not counted in ${COUNTED_WITHIN_MS} ms: ${text}`);
      await sleep(ASK_EVERY_MS);
    }
  }
  client.close();
}

const MEMORY_EVERY_MS = 250;

/** The peak resident memory of each process until a signal, MiB. */
export async function memoryPeaks<Name extends string>(
  processes: Record<Name, NodeProcess>,
  over: AbortSignal,
): Promise<Record<Name, number>> {
  const names = Object.keys(processes) as Name[];
  const peaks = Object.fromEntries(names.map((name) => [name, 0])) as Record<Name, number>;
  while (!over.aborted) {
    for (const name of names) peaks[name] = Math.max(peaks[name], processes[name].memoryMiB() ?? Number.NaN);
    await sleep(MEMORY_EVERY_MS);
  }
  return peaks;
}
