import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from './world.ts';

/**
 * Kills ingest processes at random points, each started again at once.
 * @param flushed how likely Redis is emptied after a kill
 */
export async function killIngest({ platform, chance }: World, kills: number, flushed: number): Promise<void> {
  for (let kill = 0; kill < kills; kill++) {
    const ingest = chance.pick(platform.ingests);
    // Mostly while it counts, sometimes while it still joins the group.
    if (chance.chance(0.8)) await ingest.ready();
    await sleep(chance.int(0, 900));
    await ingest.end('SIGKILL');
    ingest.launch();
    if (chance.chance(flushed)) await platform.flushRedis();
  }
}
