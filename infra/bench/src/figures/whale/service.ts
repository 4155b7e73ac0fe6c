import { type CallEventProducer, createCallEventProducer } from '@calltally/contract/producer';
import { type Call, dayOf, defaultWindowDays, startOfDay } from '@calltally/domain';
import type { Bench } from '../../bench.ts';
import { Child } from '../../child.ts';
import { Client } from '../../client.ts';
import type { TrafficReply, TrafficRequest } from '../../load/traffic.ts';
import { API, INGEST, NodeProcess } from '../../node-process.ts';
import { PROBED, Probes } from '../../probes.ts';
import { spreadCalls } from '../../world/spread-calls.ts';
import { Topic } from '../../world/topic.ts';
import { World } from '../../world/world.ts';
import { Truth } from './truth.ts';

const TRAFFIC = new URL('../../load/traffic.js', import.meta.url);
const DAY_MS = 86_400_000;
const YEARS_MS = 730 * DAY_MS;
const ORDINARY = { users: 1_000, callsEach: 100, spanMs: 60 * DAY_MS };

/** A user with very many calls, whom Redis does not know. */
export interface Whale {
  userId: string;
  key: string;
  /** Calls that were there before any event. */
  rows: number;
  truth: Truth;
}

export interface WhaleService {
  world: World;
  ingest: NodeProcess;
  api: NodeProcess;
  calls: CallEventProducer;
  probes: Probes;
  /** Of the ordinary users. */
  traffic: Child<TrafficRequest, TrafficReply>;
  /** Calls spread evenly over two years. */
  spread: Whale;
  /** All calls within the default window. */
  dense: Whale;
  /** First instant of all calls, epoch ms. */
  from: number;
}

/** The whole service as it is delivered, and two whales among ordinary users, all of them known to Mongo alone. */
export async function startWhaleService(bench: Bench): Promise<WhaleService> {
  const [world, topic] = await Promise.all([World.start(bench, 'whale'), Topic.create(bench, 'whale')]);
  const rows = bench.size(5_000_000, 60_000);
  const until = Date.now();
  const from = until - YEARS_MS;
  const ordinary = Array.from({ length: ORDINARY.users }, (_, i) => `traffic-${i}`);
  bench.say(`${rows} calls each of two users, beside ${ORDINARY.users} with ${ORDINARY.callsEach} …`);
  await world.insert(spreadCalls(ordinary, ORDINARY.callsEach, { from: until - ORDINARY.spanMs, until }));
  const whaleOf = async (userId: string, range: { from: number; until: number }): Promise<Whale> => {
    const truth = new Truth();
    await world.insert(noted(truth, spreadCalls([userId], rows, range)));
    const [key] = await world.createKeys([userId]);
    return { userId, key: key!, rows, truth };
  };
  const spread = await whaleOf('whale', { from, until });
  const firstOfWindow = startOfDay(dayOf(until) - defaultWindowDays + 1);
  const dense = await whaleOf('whale-dense', { from: firstOfWindow, until });
  await world.endStream();

  const env = { ...world.environment, ...topic.environment };
  const ingest = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
  const api = await NodeProcess.start(bench, API, env);
  const calls = createCallEventProducer({ brokers: topic.brokers, topic: topic.name });
  const [probedKey] = await world.createKeys([PROBED]);
  const client = new Client(api.url);
  bench.atEnd(() => {
    client.close();
    return calls.close();
  });
  const args = [topic.brokers[0]!, topic.name, String(ORDINARY.users)];
  const traffic = new Child<TrafficRequest, TrafficReply>(bench, TRAFFIC, args);
  const probes = new Probes(calls, client, probedKey!);
  await probes.one();
  return { world, ingest, api, calls, probes, traffic, spread, dense, from };
}

function* noted(truth: Truth, calls: Iterable<Call>): Generator<Call> {
  for (const call of calls) {
    truth.add(call);
    yield call;
  }
}
