import { type CallEvent, decodeCallEvent } from '@calltally/contract';
import type { Call } from '@calltally/domain';
import type { Bench } from '../bench.ts';
import { countTopic } from '../counting.ts';
import { mongo } from '../engines.ts';
import { inParallel } from '../in-parallel.ts';
import { insertOnly } from '../references/direct.ts';
import { createDatabase, insertCalls } from '../references/postgres-tables.ts';
import type { Note } from '../results.ts';
import { shuffled } from '../statistics.ts';
import { backlog, Topic } from '../world/topic.ts';
import { type ClickHouse, clickHouse } from './clickhouse.ts';
import { ALTERNATIVES, type AlternativeName, writeLine } from './names.ts';

/** As ingest takes them: so many calls a batch, so many batches at a time. */
const BATCH = { size: 2_000, atOnce: 4 };

/** Milliseconds that all of a round's calls took; `atOnceMs` in one statement. */
interface Took {
  tookMs: number;
  atOnceMs?: number;
}

/** The same calls into each, into a topic and databases that are new in every round. */
export async function measureWrites(bench: Bench, rounds: number, note: Note): Promise<void> {
  const clickhouse = await bench.shared(clickHouse);
  for (let round = 1; round <= rounds; round++) {
    const events = backlog(`alternatives-${round}`, bench.size(200_000, 6_000));
    const calls = events.map(callOf);
    const topic = await Topic.create(bench, `alternatives-${round}`);
    await topic.send(events);
    const { address } = await bench.shared(mongo);
    const mongoUri = (kind: string) => `${address}/alternatives_${kind}_${round}`;
    const ways: Record<'ours' | AlternativeName, () => Promise<Took | undefined>> = {
      ours: () => count(bench, topic, mongoUri('count'), events.length),
      mongo: async () => ({ tookMs: await insertOnly(mongoUri('insert'), events) }),
      postgres: () => intoPostgres(bench, `rows_${round}`, calls, { rollup: false }),
      'postgres-rollup': () => intoPostgres(bench, `rollup_${round}`, calls, { rollup: true }),
      clickhouse: async () => clickhouse && intoClickHouse(clickhouse, `round_${round}`, calls),
    };
    const took = new Map<string, Took | undefined>();
    for (const [name, write] of shuffled(Object.entries(ways))) took.set(name, await write());
    const perSecond = (tookMs: number) => (calls.length / tookMs) * 1_000;
    const ours = perSecond(took.get('ours')!.tookMs);
    for (const { name } of ALTERNATIVES) {
      const other = took.get(name);
      if (other === undefined) continue;
      note(writeLine(name), {
        ours,
        other: perSecond(other.tookMs),
        ...(other.atOnceMs !== undefined && { otherAtOnce: perSecond(other.atOnceMs) }),
      });
    }
  }
}

function callOf(event: CallEvent): Call {
  return decodeCallEvent(Buffer.from(JSON.stringify(event)), Date.now()).call!;
}

async function count(bench: Bench, topic: Topic, mongoUri: string, events: number): Promise<Took> {
  const { tookMs, stop } = await countTopic(bench, topic, mongoUri, events);
  await stop();
  return { tookMs };
}

async function intoPostgres(
  bench: Bench,
  name: string,
  calls: readonly Call[],
  kept: { rollup: boolean },
): Promise<Took> {
  const { pool } = await createDatabase(bench, name, kept);
  const beganMs = performance.now();
  await inParallel(calls, BATCH, (piece) => insertCalls(pool, piece));
  const tookMs = performance.now() - beganMs;
  const counting = kept.rollup
    ? 'select sum(calls) as calls from rollup'
    : 'select count(*) as calls from calls';
  const { rows } = await pool.query(counting);
  requireAll(name, Number(rows[0].calls), calls);
  return { tookMs };
}

/** It takes one statement at a time, and likes them large: the same calls a second time, in one. */
async function intoClickHouse(clickhouse: ClickHouse, name: string, calls: readonly Call[]): Promise<Took> {
  await clickhouse.createTables(name);
  let tookMs = 0;
  await inParallel(calls, { ...BATCH, atOnce: 1 }, async (piece) => {
    tookMs += await clickhouse.insert(name, piece);
  });
  const { rows } = await clickhouse.run(`select sum(calls) from ${name}.rollup`);
  requireAll(name, Number(rows[0]![0]), calls);
  await clickhouse.createTables(`${name}_at_once`);
  return { tookMs, atOnceMs: await clickhouse.insert(`${name}_at_once`, calls) };
}

function requireAll(name: string, found: number, calls: readonly Call[]): void {
  if (found !== calls.length) throw new Error(`${name} has ${found} of ${calls.length} calls`);
}
