import { type CallEvent, decodeCallEvent } from '@calltally/contract';
import type { Call } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { type Spent, stopwatch, usEach } from '../cpu-time.ts';
import { mongo } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';
import { insertOnly } from '../references/direct.ts';
import { createDatabase, insertCalls } from '../references/postgres-tables.ts';
import type { Note } from '../results.ts';
import { shuffled } from '../statistics.ts';
import { backlog, Topic } from '../world/topic.ts';
import { ALTERNATIVES, type AlternativeName, writeLine } from './lines.ts';

/** Calls per batch, and batches at a time. */
const BATCH = { size: 2_000, atOnce: 4 };

/** Writes the same calls into each, with a new topic and new databases in every round. */
export async function measureWrites(bench: Bench, rounds: number, note: Note): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const events = backlog(`alternatives-${round}`, bench.size(200_000, 6_000));
    const calls = events.map(callOf);
    const topic = await Topic.create(bench, `alternatives-${round}`);
    await topic.send(events);
    const { address } = await bench.shared(mongo);
    const mongoUri = (kind: string) => `${address}/alternatives_${kind}_${round}`;
    const ways: Record<'ours' | AlternativeName, () => Promise<Spent>> = {
      ours: () => count(bench, topic, mongoUri('count'), events.length),
      mongo: () => insertOnly(mongoUri('insert'), events),
      postgres: () => intoPostgres(bench, `rows_${round}`, calls, { rollup: false }),
      'postgres-rollup': () => intoPostgres(bench, `rollup_${round}`, calls, { rollup: true }),
    };
    const spent = new Map<string, Spent>();
    for (const [name, write] of shuffled(Object.entries(ways))) spent.set(name, await write());
    const perSecond = (name: string) => (calls.length / spent.get(name)!.tookMs) * 1_000;
    const us = (name: string) => usEach(spent.get(name)!, calls.length);
    for (const { name } of ALTERNATIVES) {
      note(writeLine(name), {
        ours: perSecond('ours'),
        other: perSecond(name),
        oursUs: us('ours'),
        otherUs: us(name),
      });
    }
  }
}

function callOf(event: CallEvent): Call {
  return decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now()).call as Call;
}

async function count(bench: Bench, topic: Topic, mongoUri: string, events: number): Promise<Spent> {
  const { stop, ...spent } = await countTopic(bench, topic, mongoUri, events);
  await stop();
  return spent;
}

async function intoPostgres(
  bench: Bench,
  name: string,
  calls: readonly Call[],
  kept: { rollup: boolean },
): Promise<Spent> {
  const { pool } = await createDatabase(bench, name, kept);
  const spent = stopwatch();
  await inParallel(calls, BATCH, (piece) => insertCalls(pool, piece));
  const all = spent();
  const counting = kept.rollup
    ? 'select sum(calls) as calls from rollup'
    : 'select count(*) as calls from calls';
  const found = Number((await pool.query(counting)).rows[0].calls);
  if (found !== calls.length) throw new Error(`${name} has ${found} of ${calls.length} calls`);
  return all;
}
