import { DAY_MS } from '@calltally/domain';
import { Redis } from 'ioredis';
import type { Bench } from '../bench.ts';
import { Client, inTurns, wholeDays } from '../client.ts';
import { LoadGenerator, serverUs, type Throughput } from '../load/load-generator.ts';
import { API, NodeProcess } from '../processes.ts';
import type { Figure, Note } from '../results.ts';
import { median, takeTurns } from '../statistics.ts';
import { startAskingApi } from '../world/asking-api.ts';
import { type Dashboards, dashboards } from '../world/dashboards.ts';
import { startReference } from './read.ts';

/** As many as are remembered easily. */
const USERS = 20_000;
const TWO_YEARS_MS = 730 * DAY_MS;

interface Servers {
  warm: NodeProcess;
  cold: NodeProcess;
  bare: NodeProcess;
  limit: NodeProcess;
}

/** Dashboards of users who were read before and have not been counted since, and of those who have to be asked for. */
export const remembered: Figure = {
  name: 'remembered',
  lines: [
    { name: 'remembered-bare', unit: 'requests/s', atLeast: 0.8 },
    { name: 'remembered-limit', unit: 'requests/s', atLeast: 0.9 },
    { name: 'asked-bare', unit: 'requests/s', atLeast: 0.55 },
    { name: 'remembered-asked', unit: 'requests/s' },
    { name: 'remembered-commands', unit: 'commands', atMost: 0.05 },
    { name: 'asked-commands', unit: 'commands' },
    { name: 'remembered-latency', unit: 'ms', atMost: 1.15 },
    { name: 'remembered-two-years', unit: 'µs', atMost: 1.5 },
    { name: 'asked-two-years', unit: 'µs', atMost: 1.5 },
  ],
  async measure(bench, note) {
    const given = await bench.shared(dashboards);
    const load = new LoadGenerator(bench, 'remembered', given.keys.slice(0, USERS));
    const servers = await startServers(bench, given);
    const seconds = bench.size(8, 2);
    const of = (server: NodeProcess) => () => load.throughput(server, seconds);
    // Code is compiled, and what is to be remembered is, before the first round.
    for (const server of Object.values(servers)) {
      await load.everyKeyOnce(server);
      await of(server)();
    }
    const { warm, cold, bare, limit } = servers;
    for (let round = 1; round <= bench.rounds; round++) {
      noteBoth(note, 'remembered-bare', await takeTurns(round, of(warm), of(bare)));
      noteBoth(note, 'remembered-limit', await takeTurns(round, of(warm), of(limit)));
      noteBoth(note, 'asked-bare', await takeTurns(round, of(cold), of(bare)));
      noteBoth(note, 'remembered-asked', await takeTurns(round, of(warm), of(cold)));
    }
    await countCommands(given, load, servers, seconds, note);
    await latency(bench, given, servers, note);
    await twoYears(bench, given, servers, note);
    for (const server of Object.values(servers)) await server.stop();
  },
};

async function startServers(bench: Bench, { world, reference }: Dashboards): Promise<Servers> {
  return {
    warm: await NodeProcess.start(bench, API, world.environment),
    cold: await startAskingApi(bench, world),
    bare: await startReference(bench, 'bare', { REFERENCE: reference }),
    limit: await startReference(bench, 'limit', { REFERENCE: reference }),
  };
}

function noteBoth(note: Note, line: string, { ours, other }: { ours: Throughput; other: Throughput }): void {
  note(line, { ours: ours.perSecond, other: other.perSecond, oursUs: ours.us, otherUs: other.us });
}

/** Commands that Redis runs for a dashboard; those within a script do not count. */
async function countCommands(
  { world }: Dashboards,
  load: LoadGenerator,
  { warm, cold }: Servers,
  seconds: number,
  note: Note,
): Promise<void> {
  const redis = new Redis(world.redis.address);
  const commands = async () => {
    const info = await redis.info('commandstats');
    const calls = [...info.matchAll(/^cmdstat_(evalsha|client\|\w+|ping|get|hgetall):calls=(\d+)/gm)];
    return calls.reduce((sum, [, , count]) => sum + Number(count), 0);
  };
  for (const [line, server] of [
    ['remembered-commands', warm],
    ['asked-commands', cold],
  ] as const) {
    const before = await commands();
    const { perSecond } = await load.throughput(server, seconds);
    note(line, { ours: ((await commands()) - before) / (perSecond * seconds) });
  }
  redis.disconnect();
}

/** Of one connection that asks for one dashboard after another. */
async function latency(
  bench: Bench,
  { keys }: Dashboards,
  { warm, bare }: Servers,
  note: Note,
): Promise<void> {
  const clients = [warm, bare].map(({ url }) => new Client(url));
  // The reference says nothing of a source.
  const questions = clients.map((client, i) => async () => {
    const answer = await client.ask(keys[i]!);
    return { ...answer, source: 'counters' };
  });
  const asked = { count: bench.size(5_000, 500), source: 'counters' };
  await inTurns(questions, asked);
  for (let round = 1; round <= bench.rounds; round++) {
    const { tookMs } = await inTurns(questions, asked);
    note('remembered-latency', { ours: median(tookMs[0]!), other: median(tookMs[1]!) });
  }
  for (const client of clients) client.close();
}

/** Processor time of the API for two years of whole days, and for the default window. */
async function twoYears(
  bench: Bench,
  { keys, load }: Dashboards,
  { warm, cold }: Servers,
  note: Note,
): Promise<void> {
  const now = Date.now();
  const query = wholeDays(now - TWO_YEARS_MS, now);
  const answers = bench.size(40_000, 4_000);
  for (const [line, server] of [
    ['remembered-two-years', warm],
    ['asked-two-years', cold],
  ] as const) {
    const ask = (query: string) => async () =>
      serverUs(await load.throughputOfOne(server, { key: keys[0]!, query, answers }));
    for (const one of [query, '']) await ask(one)();
    for (let round = 1; round <= bench.rounds; round++) {
      note(line, await takeTurns(round, ask(query), ask('')));
    }
  }
}
