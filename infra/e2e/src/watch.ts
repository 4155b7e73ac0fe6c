import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from './dashboard.ts';
import type { Oracle } from './oracle.ts';
import type { Platform } from './platform.ts';
import type { Chance } from './random.ts';

/** What dashboards were told while something was wrong. */
export interface Watched {
  /** Answers by status code. */
  statuses: Map<number, number>;
  /** Answers that said more than there was. */
  tooMany: number;
  slowestMs: number;
}

const PAUSE_MS = 20;

/** Reads dashboards of random users, one after another, until it is stopped. */
export function watch(platform: Platform, keys: ReadonlyMap<string, string>, oracle: Oracle, chance: Chance) {
  const watched: Watched = { statuses: new Map(), tooMany: 0, slowestMs: 0 };
  const users = [...keys];
  let stopped = false;
  const running = (async () => {
    while (!stopped) {
      const [user, key] = chance.pick(users);
      const answer = await ask(platform.api.url, key);
      watched.statuses.set(answer.status, (watched.statuses.get(answer.status) ?? 0) + 1);
      watched.slowestMs = Math.max(watched.slowestMs, answer.tookMs);
      if ((answer.body.data?.total_calls ?? 0) > oracle.callsOf(user)) watched.tooMany++;
      await sleep(PAUSE_MS);
    }
    return watched;
  })();
  return {
    stop(): Promise<Watched> {
      stopped = true;
      return running;
    },
  };
}
