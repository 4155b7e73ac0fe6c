import { DAY_MS } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { Client, wholeDays } from '../../client.ts';
import { API, NodeProcess } from '../../processes.ts';
import type { Line, Note } from '../../results.ts';
import { median, shuffled } from '../../statistics.ts';
import { agentId, labelledCalls, USUAL } from '../../world/labels.ts';
import { World } from '../../world/world.ts';
import { type Ask, type Asked, USER } from './ask.ts';
import { askClickHouse, fillClickHouse } from './clickhouse.ts';
import { askPostgres, fillPostgres, ROLLUP, ROWS } from './postgres.ts';

const CALLS_A_DAY = 100;
const YEARS_DAYS = 730;
const WINDOW_DAYS = 31;

const OTHERS = ['mongo', 'postgres', 'postgres-rollup', 'clickhouse'] as const;
const QUESTIONS = ['agent', 'dashboard'] as const;
const RANGES = ['', '-two-years'] as const;

const lineOf = (question: string, other: string, range: string) => `detail-${question}-${other}${range}`;

export const ALTERNATIVE_LINES: readonly Line[] = QUESTIONS.flatMap((question) =>
  OTHERS.flatMap((other) => RANGES.map((range) => ({ name: lineOf(question, other, range), unit: 'ms' }))),
);

/**
 * The same questions to other stores, by their drivers alone: without HTTP, keys and shares, and of a filtered dashboard only
 * the range's sum. Checks that all agree.
 */
export async function measureAlternatives(bench: Bench, note: Note): Promise<void> {
  const today = Math.floor(Date.now() / DAY_MS) * DAY_MS;
  const until = today + DAY_MS;
  const from = until - YEARS_DAYS * DAY_MS;
  const calls = [...labelledCalls(USER, { callsADay: CALLS_A_DAY, variety: USUAL }, { from, until: today })];
  const world = await World.start(bench, 'detail_alternatives');
  await world.insert(calls);
  await world.count([USER]);
  const [key] = await world.createKeys([USER]);
  const api = await NodeProcess.start(bench, API, world.environment);
  const client = new Client(api.url);
  const pool = await fillPostgres(bench, calls);
  const clickHouse = await fillClickHouse(bench, calls);
  const asks: Record<'ours' | (typeof OTHERS)[number], Ask> = {
    ours: (asked) => askUs(client, key!, asked),
    mongo: (asked) => askMongo(world, asked),
    postgres: (asked) => askPostgres(pool, ROWS, asked, [new Date(asked.from), new Date(asked.until)]),
    'postgres-rollup': (asked) =>
      askPostgres(pool, ROLLUP, asked, [asked.from / DAY_MS, asked.until / DAY_MS]),
    clickhouse: (asked) => askClickHouse(clickHouse, asked),
  };
  for (const range of RANGES) {
    const asked = { from: range === '' ? until - WINDOW_DAYS * DAY_MS : from, until };
    for (const question of QUESTIONS) {
      const all = question === 'agent' ? asked : { ...asked, agent: agentId(0) };
      await requireSame(asks, all);
      for (let round = 0; round <= bench.rounds; round++) {
        const tookMs = new Map<string, number[]>(Object.keys(asks).map((name) => [name, []]));
        for (let turn = 0; turn < bench.size(100, 10); turn++) {
          for (const [name, ask] of shuffled(Object.entries(asks))) {
            const beganMs = performance.now();
            await ask(all);
            tookMs.get(name)!.push(performance.now() - beganMs);
          }
        }
        // The first round only warms up.
        if (round === 0) continue;
        for (const other of OTHERS) {
          note(lineOf(question, other, range), {
            ours: median(tookMs.get('ours')!),
            other: median(tookMs.get(other)!),
          });
        }
      }
    }
  }
  client.close();
  await api.stop();
}

async function requireSame(asks: Record<string, Ask>, asked: Asked): Promise<void> {
  const texts = new Map<string, string>();
  for (const [name, ask] of Object.entries(asks))
    texts.set(name, JSON.stringify([...(await ask(asked))].sort()));
  if (new Set(texts.values()).size > 1) throw new Error(`answers differ: ${JSON.stringify([...texts])}`);
}

async function askUs(client: Client, key: string, { from, until, agent }: Asked) {
  const range = wholeDays(from, until - 1);
  if (agent !== undefined) {
    const { text } = await client.ask(key, `${range}&agent_id=${agent}`);
    return new Map([[agent, JSON.parse(text).data.total_calls as number]]);
  }
  const { text } = await client.ask(key, `${range}&by=agent`, '/analytics/breakdown');
  const groups: { agent_id: string; calls: number }[] = JSON.parse(text).data.groups;
  return new Map(groups.map((group) => [group.agent_id, group.calls]));
}

async function askMongo({ rows }: World, { from, until, agent }: Asked) {
  const started_at = { $gte: new Date(from), $lt: new Date(until) };
  const found = await rows
    .aggregate([
      { $match: { user_id: USER, started_at, ...(agent !== undefined && { agent_id: agent }) } },
      { $group: { _id: '$agent_id', calls: { $sum: 1 }, duration_ms: { $sum: '$duration_ms' } } },
    ])
    .toArray();
  return new Map(found.map(({ _id, calls }) => [_id as unknown as string, Number(calls)]));
}
