import { DIRECTIONS, STATUSES } from '@calltally/domain';

/** How many different labels the calls of a user have. */
export interface Variety {
  agents: number;
  directions: number;
  statuses: number;
}

/** What the bounds of memory are of. */
export const USUAL: Variety = { agents: 3, directions: 2, statuses: 3 };

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
