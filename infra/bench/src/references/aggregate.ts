import type { Range } from '@calltally/domain';
import type { World } from '../world/world.ts';

/** A user's calls of a range, added up by Mongo from the rows and asked for by the driver alone. */
export async function aggregate({ rows }: World, userId: string, { from, until }: Range) {
  const beganMs = performance.now();
  const [sums] = await rows
    .aggregate([
      { $match: { user_id: userId, started_at: { $gte: new Date(from), $lt: new Date(until) } } },
      { $group: { _id: null, calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } } },
    ])
    .toArray();
  return { tookMs: performance.now() - beganMs, calls: Number(sums?.calls) };
}
