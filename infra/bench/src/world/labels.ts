import { type Call, DAY_MS, DIRECTIONS, STATUSES } from '@calltally/domain';

/** How many different labels the calls of a user have. */
export interface Variety {
  agents: number;
  directions: number;
  statuses: number;
}

/** What the bounds of memory are of. */
export const USUAL: Variety = { agents: 3, directions: 2, statuses: 3 };

/** 996 combinations: nearly as many as are kept. */
export const MANY: Variety = { agents: 83, directions: 2, statuses: 6 };

/** More combinations than are kept, in each month with 3 000 calls. */
export const TOO_MANY: Variety = { agents: 200, directions: 2, statuses: 6 };

export interface Labels {
  agentId: string;
  direction: string;
  status: string;
}

/** All combinations, in an order in which neighbours differ. Agents have ids as long as a UUID. */
export function labelsOf({ agents, directions, statuses }: Variety): Labels[] {
  const all: Labels[] = [];
  for (const status of STATUSES.slice(0, statuses)) {
    for (const direction of DIRECTIONS.slice(0, directions)) {
      for (let agent = 0; agent < agents; agent++) all.push({ agentId: agentId(agent), direction, status });
    }
  }
  return all;
}

export function agentId(agent: number): string {
  return `3f0e6f52-8c1d-4b7a-9e35-${String(agent).padStart(12, '0')}`;
}

/** So many calls on each UTC day, of labels chosen at random. */
export function* labelledCalls(
  userId: string,
  { callsADay, variety }: { callsADay: number; variety: Variety },
  { from, until }: { from: number; until: number },
): Generator<Call> {
  const labels = labelsOf(variety);
  for (let at = from, i = 0; at < until; at += DAY_MS / callsADay, i++) {
    yield {
      callId: `${userId}-${i}`,
      userId,
      startedAt: Math.floor(at),
      durationMs: 1_000 + Math.floor(Math.random() * 600_000),
      ...labels[Math.floor(Math.random() * labels.length)],
    };
  }
}
