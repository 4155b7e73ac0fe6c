import { DAY_MS } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { Client, wholeDays } from '../../client.ts';
import { API, NodeProcess } from '../../processes.ts';
import type { Line, Note } from '../../results.ts';
import { median, percentile } from '../../statistics.ts';
import { agentId, labelledCalls, MANY, TOO_MANY, USUAL, type Variety } from '../../world/labels.ts';
import { World } from '../../world/world.ts';

const PLAIN = { path: '/analytics/dashboard', query: {} };
interface Question {
  name: string;
  path: string;
  query: Record<string, string>;
}

/** Each is compared with the plain dashboard of the same user and range. */
const BY_CELL: readonly Question[] = [
  { name: 'agent', path: '/analytics/breakdown', query: { by: 'agent' } },
  { name: 'agent-status', path: '/analytics/breakdown', query: { by: 'agent,status' } },
  { name: 'dashboard', path: '/analytics/dashboard', query: { agent_id: agentId(0) } },
  { name: 'series', path: '/analytics/timeseries', query: { interval: 'day', agent_id: agentId(0) } },
];
/** Half an hour off, so that no local day is a UTC day. */
const ZONE = { time_zone: 'Asia/Kolkata' };
const IN_ZONE: readonly Question[] = [
  { name: 'zone-dashboard', path: '/analytics/dashboard', query: ZONE },
  { name: 'zone-series', path: '/analytics/timeseries', query: { interval: 'day', ...ZONE } },
];
const HOURS: Question = { name: 'hours', path: '/analytics/timeseries', query: { interval: 'hour' } };
const ALL = [...BY_CELL, ...IN_ZONE, HOURS];
/** By what is asked about. A time series has no room for the hours of two years. */
const QUESTIONS: Readonly<Record<string, readonly Question[]>> = {
  '': ALL,
  '-996-cells': BY_CELL,
  '-beyond': BY_CELL,
  '-two-years': [...BY_CELL, ...IN_ZONE],
  '-cold': ALL,
};

const YEARS_DAYS = 730;
const COLD_DAYS = 60;
const AT_MOST = 2;
/** If the machine pauses for a moment, Redis seems to be down. */
const ELSEWHERE_SHARE_MAX = 0.05;

interface Kind {
  name: string;
  callsADay: number;
  variety: Variety;
  /** Where a question about cells of the default window is answered from. */
  source: 'counters' | 'mongo';
}

const KINDS: readonly Kind[] = [
  { name: '', callsADay: 10, variety: USUAL, source: 'counters' },
  { name: '-996-cells', callsADay: 100, variety: MANY, source: 'counters' },
  { name: '-beyond', callsADay: 100, variety: TOO_MANY, source: 'mongo' },
];

const lineOf = (question: string, of: string) => `detail-${question}${of}`;

export const ANSWER_LINES: readonly Line[] = Object.entries(QUESTIONS).flatMap(([of, questions]) =>
  questions.map(({ name }) => ({
    name: lineOf(name, of),
    unit: 'ms',
    ...(of === '' && { atMost: AT_MOST }),
  })),
);

export async function measureAnswers(bench: Bench, note: Note): Promise<void> {
  const world = await World.start(bench, 'detail_answers');
  const until = Date.now();
  const from = until - YEARS_DAYS * DAY_MS;
  const userIdOf = ({ name }: Kind) => `user-asks${name}`;
  for (const kind of KINDS) {
    bench.say(`a user with ${kind.callsADay} calls a day for two years …`);
    await world.insert(labelledCalls(userIdOf(kind), kind, { from, until }));
  }
  const coldIds = Array.from({ length: bench.size(500, 25) }, (_, i) => `user-cold-${i}`);
  for (const userId of coldIds) {
    await world.insert(labelledCalls(userId, KINDS[0]!, { from: until - COLD_DAYS * DAY_MS, until }));
  }
  await world.count(KINDS.map(userIdOf));
  const keys = await world.createKeys(KINDS.map(userIdOf));
  const coldKeys = await world.createKeys(coldIds);
  const api = await NodeProcess.start(bench, API, world.environment);
  const client = new Client(api.url);
  const asked = bench.size(500, 50);
  for (const [i, kind] of KINDS.entries()) {
    const questions = QUESTIONS[kind.name]!;
    await inTurns(client, keys[i]!, questions, '', asked / 10);
    for (let round = 1; round <= bench.rounds; round++) {
      // Rows, and very many cells, take longer.
      const count = kind.variety === USUAL ? asked : asked / 10;
      for (const [name, sample] of await inTurns(client, keys[i]!, questions, '', count, kind.source)) {
        note(lineOf(name, kind.name), sample);
      }
    }
  }
  const twoYears = wholeDays(from, until);
  const ofTwoYears = QUESTIONS['-two-years']!;
  await inTurns(client, keys[0]!, ofTwoYears, twoYears, asked / 10);
  for (let round = 1; round <= bench.rounds; round++) {
    for (const [name, sample] of await inTurns(client, keys[0]!, ofTwoYears, twoYears, asked / 5)) {
      note(lineOf(name, '-two-years'), sample);
    }
  }
  await measureCold(client, coldKeys, note);
  client.close();
  await api.stop();
}

/** Users that Redis does not know, each asked once, and then filled behind the answers. */
async function measureCold(client: Client, keys: readonly string[], note: Note): Promise<void> {
  const asked = [PLAIN_QUESTION, ...QUESTIONS['-cold']!];
  const tookMs = new Map<string, number[]>(asked.map(({ name }) => [name, []]));
  for (const [i, key] of keys.entries()) {
    const { name, path, query } = asked[i % asked.length]!;
    const answer = await client.ask(key, queryText(query), path);
    if (answer.source !== 'mongo') throw new Error(`a cold user is answered from ${answer.source}`);
    tookMs.get(name)!.push(answer.tookMs);
  }
  for (const { name } of QUESTIONS['-cold']!) {
    note(lineOf(name, '-cold'), sampleOf(tookMs.get(name)!, tookMs.get(PLAIN_QUESTION.name)!));
  }
}

const PLAIN_QUESTION = { name: 'plain', ...PLAIN };

/**
 * Asks one question after another, each so many times.
 * @param source that all answers but the plain ones must have, which come from counters; others are left out
 * @returns a sample for each question
 * @throws Error if too many answers had another source
 */
async function inTurns(
  client: Client,
  key: string,
  questions: readonly Question[],
  range: string,
  count: number,
  source?: string,
) {
  const all = [PLAIN_QUESTION, ...questions];
  const tookMs = all.map((): number[] => []);
  let elsewhere = 0;
  for (let turn = 0; turn < count; turn++) {
    for (const [i, { name, path, query }] of all.entries()) {
      const answer = await client.ask(key, queryText(query, range), path);
      if (source === undefined || answer.source === (i === 0 ? 'counters' : source)) {
        tookMs[i]!.push(answer.tookMs);
        continue;
      }
      elsewhere += 1;
      if (elsewhere > count * ELSEWHERE_SHARE_MAX) {
        throw new Error(`${name} is answered from ${answer.source} instead of ${source}`);
      }
    }
  }
  return questions.map(({ name }, i) => [name, sampleOf(tookMs[i + 1]!, tookMs[0]!)] as const);
}

function sampleOf(ours: readonly number[], other: readonly number[]) {
  return {
    ours: median(ours),
    other: median(other),
    oursP99: percentile(ours, 0.99),
    otherP99: percentile(other, 0.99),
    oursP10: percentile(ours, 0.1),
    otherP10: percentile(other, 0.1),
  };
}

function queryText(query: object, range = ''): string {
  const own = new URLSearchParams({ ...query }).toString();
  return own === '' ? range : `${range === '' ? '?' : `${range}&`}${own}`;
}
