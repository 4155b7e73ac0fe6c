import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Call, type DashboardTallies, dayOf, type Range } from '@calltally/domain';
import { obtainChdb, StackError } from '@calltally/stack';
import { type Bench, ROOT } from '../bench.ts';
import type { Asked } from '../references/asked.ts';

const QUERIES = join(ROOT, 'infra/bench/clickhouse/queries.py');

/** The sums are added up as rows come in, and again whenever parts of the table are merged. */
const TABLES = (database: string) => [
  `create database ${database}`,
  `create table ${database}.calls (
    call_id String, user_id String, started_at DateTime64(3, 'UTC'), duration_ms UInt64,
    direction LowCardinality(String), status LowCardinality(String)
  ) engine = MergeTree order by (user_id, started_at)`,
  `create table ${database}.rollup (user_id String, day Int32, calls UInt64, duration_ms UInt64)
    engine = SummingMergeTree order by (user_id, day)`,
  `create materialized view ${database}.count_calls to ${database}.rollup as
    select user_id, toInt32(intDiv(toUnixTimestamp64Milli(started_at), 86400000)) as day,
      count() as calls, sum(duration_ms) as duration_ms
    from ${database}.calls group by user_id, day`,
];

/** ClickHouse's engine embedded in a Python process; runs one statement at a time. */
export class ClickHouse {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#answers = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  }

  /** @throws StackError where it cannot be had, in one line with the remedy */
  static async start(bench: Bench): Promise<ClickHouse> {
    const { python, packages } = await obtainChdb((line) => bench.say(line));
    const child = spawn(python, [QUERIES, packages, join(bench.folder, 'clickhouse')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    child.stdin!.on('error', () => {}); // its end is seen by who waits for an answer
    bench.atEnd(async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    });
    const started = new ClickHouse(child);
    await started.run('select 1').catch((thrown: Error) => {
      const remedy = `remove ${packages} so that it is fetched anew`;
      throw new StackError('STACK_START_FAILED', 'chdb', thrown.message, remedy, thrown);
    });
    return started;
  }

  /**
   * @returns milliseconds that the statement took by itself, and its rows as JSON lists
   * @throws Error with what ClickHouse said
   */
  async run(sql: string): Promise<{ tookMs: number; rows: unknown[][] }> {
    this.#child.stdin!.write(`${JSON.stringify({ sql })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('it ended instead of answering');
    const { tookMs, text, error } = JSON.parse(value);
    if (error !== undefined) throw new Error(error);
    const lines: string[] = text.split('\n').filter((line: string) => line !== '');
    return { tookMs, rows: lines.map((line) => JSON.parse(line)) };
  }

  async createTables(database: string): Promise<void> {
    for (const statement of TABLES(database)) await this.run(statement);
  }

  /** @returns milliseconds that the statement took by itself */
  async insert(database: string, calls: readonly Call[]): Promise<number> {
    const lines = calls.map((call) =>
      [call.callId, call.userId, call.startedAt, call.durationMs, call.direction, call.status].join('\t'),
    );
    const { tookMs } = await this.run(`insert into ${database}.calls format TSV\n${lines.join('\n')}\n`);
    return tookMs;
  }

  /** Every sum of a dashboard from the rollup; ranges are of whole days, but for those that end now. */
  async sums(database: string, asked: Asked): Promise<{ tookMs: number; tallies: DashboardTallies }> {
    const { userId, all, range, today, thisWeek, thisMonth } = asked;
    const { tookMs, rows } = await this.run(`select
      sumIf(calls, ${isIn(range)}), sumIf(duration_ms, ${isIn(range)}), sumIf(calls, ${isIn(today)}),
      sumIf(calls, ${isIn(thisWeek)}), sumIf(calls, ${isIn(thisMonth)})
      from ${database}.rollup where user_id = '${userId}' and ${isIn(all)}`);
    const [calls, durationMs, ...rest] = rows[0]!.map(Number);
    const tallies = {
      range: { calls: calls!, durationMs: durationMs! },
      today: rest[0]!,
      thisWeek: rest[1]!,
      thisMonth: rest[2]!,
    };
    return { tookMs, tallies };
  }
}

function isIn({ from, until }: Range): string {
  return `day between ${dayOf(from)} and ${dayOf(until - 1)}`;
}

/** To be had by `bench.shared`; undefined, with a line that says why, where it is not to be had on this machine. */
export async function clickHouse(bench: Bench): Promise<ClickHouse | undefined> {
  try {
    return await ClickHouse.start(bench);
  } catch (thrown) {
    if (!(thrown instanceof StackError)) throw thrown;
    bench.say(`${thrown.message}; ClickHouse is left out`);
    return undefined;
  }
}
