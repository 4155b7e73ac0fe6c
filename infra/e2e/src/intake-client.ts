import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import type { Chance } from './random.ts';
import type { World } from './world.ts';

const EVENTS_MAX = 40;
const GIVE_UP_AFTER_MS = 120_000;
const PAUSE_MS = 50;

/** What became of requests to intake. */
export interface Sent {
  /** Requests that were answered 202. */
  accepted: number;
  /** Requests that got no answer, or 503, and were sent again. */
  repeated: number;
}

/**
 * Backends that send calls to intake without a pause until `signal` aborts, each one request at a time. A request that is not
 * answered 202 is sent again, as it is, until it is: to any of the addresses.
 */
export async function sendCallsByHttp(
  { traffic, oracle, chance }: World,
  { urls, key, clients }: { urls: () => readonly string[]; key: string; clients: number },
  signal: AbortSignal,
): Promise<Sent> {
  const sent: Sent = { accepted: 0, repeated: 0 };
  const send = async () => {
    while (!signal.aborted) {
      const events = traffic.events(chance.int(1, EVENTS_MAX), Date.now());
      for (const event of events) oracle.add(event);
      sent.repeated += await untilAccepted(urls, key, events, chance);
      sent.accepted += 1;
      const acknowledgedAtMs = Date.now();
      for (const event of events) oracle.acknowledge(event, acknowledgedAtMs);
    }
  };
  await Promise.all(Array.from({ length: clients }, send));
  return sent;
}

/** @returns how often it was sent in vain */
async function untilAccepted(
  urls: () => readonly string[],
  key: string,
  events: readonly CallEvent[],
  chance: Chance,
): Promise<number> {
  const isLines = chance.chance(0.5);
  const body = isLines
    ? events.map((event) => `${JSON.stringify(event)}\n`).join('')
    : JSON.stringify(events);
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': isLines ? 'application/x-ndjson' : 'application/json',
  };
  for (let times = 0, end = Date.now() + GIVE_UP_AFTER_MS; ; times++, await sleep(PAUSE_MS)) {
    const url = `${chance.pick(urls())}/calls`;
    const answer = await fetch(url, { method: 'POST', headers, body }).catch(() => undefined);
    const said = await answer?.text().catch(() => undefined);
    // A connection that breaks after the head of the answer: the client saw 202 all the same.
    if (answer?.status === 202) return times;
    if (answer !== undefined && answer.status !== 503) throw new Error(`${answer.status}: ${said}`);
    if (Date.now() > end) throw new Error(`not accepted within ${GIVE_UP_AFTER_MS} ms: ${said}`);
  }
}
