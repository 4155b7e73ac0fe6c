import type { Range, Tally } from '@calltally/domain';
import { type Document, MongoClient } from 'mongodb';
import type { Asked } from './serve.ts';
import { serveDashboards } from './serve.ts';

const client = await new MongoClient(process.env.MONGODB_URI!, {
  readConcern: { level: 'majority' },
}).connect();
const rows = client.db().collection('calls');

/** Faster for users with few calls: one aggregation that compares every row with every range. */
async function inOnePass({ userId, all, range, today, thisWeek, thisMonth }: Asked) {
  const countIn = (of: Range) => ({ $sum: { $cond: [isWithin(of), 1, 0] } });
  const [sums] = await rows
    .aggregate([
      { $match: { user_id: userId, ...startsIn(all) } },
      {
        $group: {
          _id: null,
          calls: countIn(range),
          duration: { $sum: { $cond: [isWithin(range), '$duration_ms', 0] } },
          today: countIn(today),
          thisWeek: countIn(thisWeek),
          thisMonth: countIn(thisMonth),
        },
      },
    ])
    .toArray();
  return {
    range: { calls: Number(sums?.calls ?? 0), durationMs: Number(sums?.duration ?? 0) },
    today: Number(sums?.today ?? 0),
    thisWeek: Number(sums?.thisWeek ?? 0),
    thisMonth: Number(sums?.thisMonth ?? 0),
  };
}

/** Faster for users with many calls: a sum and three counts in parallel, each over its own rows only. */
async function inParallel({ userId, range, today, thisWeek, thisMonth }: Asked) {
  const count = (of: Range) => rows.countDocuments({ user_id: userId, ...startsIn(of) });
  const [sums, ...counts] = await Promise.all([
    sumOf(userId, range),
    count(today),
    count(thisWeek),
    count(thisMonth),
  ]);
  return { range: sums, today: counts[0], thisWeek: counts[1], thisMonth: counts[2] };
}

async function sumOf(userId: string, range: Range): Promise<Tally> {
  const [sums] = await rows
    .aggregate([
      { $match: { user_id: userId, ...startsIn(range) } },
      { $group: { _id: null, calls: { $sum: 1 }, duration: { $sum: '$duration_ms' } } },
    ])
    .toArray();
  return { calls: Number(sums?.calls ?? 0), durationMs: Number(sums?.duration ?? 0) };
}

function startsIn({ from, until }: Range): Document {
  return { started_at: { $gte: new Date(from), $lt: new Date(until) } };
}

function isWithin({ from, until }: Range): Document {
  return {
    $and: [{ $gte: ['$started_at', new Date(from)] }, { $lt: ['$started_at', new Date(until)] }],
  };
}

await serveDashboards(process.env.WAY === 'one-pass' ? inOnePass : inParallel);
