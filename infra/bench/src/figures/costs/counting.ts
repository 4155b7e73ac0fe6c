import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import type { Bench } from '../../bench.ts';
import { untilCounted, untilFilled } from '../../counting.ts';
import type { TrafficReply, TrafficRequest } from '../../load/traffic.ts';
import { Child, INGEST, NodeProcess } from '../../processes.ts';
import type { Line, Note } from '../../results.ts';
import { agentId } from '../../world/labels.ts';
import { eventsInOrder, Topic } from '../../world/topic.ts';
import { userIdsUpTo, World } from '../../world/world.ts';
import { measureBytes } from './bytes.ts';
import { CountingMeter, type Load, type Part } from './load.ts';
import { solve } from './solve.ts';

const PARTITIONS = 6;
const TRAFFIC = new URL('../../load/traffic.js', import.meta.url);
/** So few that a batch has many events of each. */
const FEW_USERS = 60;
const TRAFFIC_USERS = 60;
/** So slow that an event is a batch of its own. */
const SINGLE_PER_SECOND = 300;
const SETTLE_MS = 3_000;

/** What is asked of each part, where it depends on the users of a batch. */
const BY_USER: readonly Part[] = ['ingest', 'redis'];
const BY_EVENT: readonly Part[] = ['mongo', 'kafka'];

const line = (name: string): Line => ({ name: `costs-${name}`, unit: 'µs' });

export const COUNTING_LINES: readonly Line[] = [
  ...BY_USER.flatMap((part) => [
    line(`event-${part}`),
    line(`user-${part}`),
    line(`batch-${part}`),
    line(`detail-event-${part}`),
    line(`detail-user-${part}`),
  ]),
  ...BY_EVENT.flatMap((part) => [line(`event-${part}`), line(`batch-${part}`)]),
];

/** CPU time by part, by event, by user of a batch and by batch: from loads that differ in how many there are of each. */
export async function measureCounting(bench: Bench, note: Note): Promise<void> {
  const plain = await CountedLoads.start(bench, 'off');
  const detailed = await CountedLoads.start(bench, 'on');
  for (let round = 1; round <= bench.size(3, 1); round++) {
    const off = await plain.round(round);
    const on = await detailed.round(round);
    for (const part of BY_USER) {
      const [event, user, batch] = costsOf(off, part);
      const [detailedEvent, detailedUser] = costsOf(on, part);
      note(`costs-event-${part}`, { ours: event! });
      note(`costs-user-${part}`, { ours: user! });
      note(`costs-batch-${part}`, { ours: batch! });
      note(`costs-detail-event-${part}`, { ours: Math.max(0, detailedEvent! - event!) });
      note(`costs-detail-user-${part}`, { ours: Math.max(0, detailedUser! - user!) });
    }
    for (const part of BY_EVENT) {
      const [event, batch] = solve(
        [off.many, off.single].map(({ events, batches, us }) => [events, batches, us[part]]),
      );
      note(`costs-event-${part}`, { ours: event! });
      note(`costs-batch-${part}`, { ours: batch! });
    }
  }
  await plain.end();
  await measureBytes(bench, note, detailed);
  await detailed.end();
}

interface Loads {
  /** Events of few users in large batches. */
  few: Load & { usersOfBatch: number };
  /** Each event of a batch is of another user. */
  many: Load & { usersOfBatch: number };
  /** Batches of one event. */
  single: Load & { usersOfBatch: number };
}

/** By event, by user of a batch, and by batch. */
function costsOf({ few, many, single }: Loads, part: Part): number[] {
  return solve(
    [few, many, single].map(({ events, batches, usersOfBatch, us }) => [
      events,
      batches * usersOfBatch,
      batches,
      us[part],
    ]),
  );
}

/** Ingest with engines of its own, and users that are complete. */
export class CountedLoads {
  readonly world: World;
  readonly topic: Topic;
  /** Events that were counted. */
  sent = 0;
  readonly #bench: Bench;
  readonly #ingest: NodeProcess;
  readonly #userIds: readonly string[];
  readonly #traffic: Child<TrafficRequest, TrafficReply>;
  #meter!: CountingMeter;

  private constructor(bench: Bench, world: World, topic: Topic, ingest: NodeProcess) {
    this.world = world;
    this.topic = topic;
    this.#bench = bench;
    this.#ingest = ingest;
    this.#userIds = userIdsUpTo(bench.size(30_000, 600));
    this.#traffic = new Child(bench, TRAFFIC, [topic.brokers[0]!, topic.name, String(TRAFFIC_USERS)]);
  }

  static async start(bench: Bench, detail: 'on' | 'off'): Promise<CountedLoads> {
    const name = `costs-detail-${detail}`;
    const world = await World.start(bench, name.replaceAll('-', '_'));
    const topic = await Topic.create(bench, name, PARTITIONS);
    const env = { ...world.environment, ...topic.environment, COUNTERS_DETAIL: detail };
    const ingest = await NodeProcess.start(bench, INGEST, env, 'INGEST_PORT');
    const loads = new CountedLoads(bench, world, topic, ingest);
    bench.say(`${loads.#userIds.length} users, detail ${detail} …`);
    // Twice, so that code is compiled and every user known.
    for (const name of ['known', 'warm']) {
      await loads.#count(name, loads.#userIds, loads.#userIds.length);
      await untilFilled(ingest);
    }
    loads.#meter = await CountingMeter.start(bench, world, ingest);
    return loads;
  }

  async round(round: number): Promise<Loads> {
    const events = 6 * this.#userIds.length;
    const few = await this.#load(`few-${round}`, this.#userIds.slice(0, FEW_USERS), events);
    const many = await this.#load(`many-${round}`, this.#userIds, events);
    return { few, many, single: { ...(await this.#single()), usersOfBatch: 1 } };
  }

  async end(): Promise<void> {
    await this.#ingest.stop();
  }

  async #load(name: string, userIds: readonly string[], count: number) {
    const load = await this.#meter.measure(() => this.#count(name, userIds, count));
    // Users take turns, so a batch has as many as there are in its partition, or as it has events.
    return { ...load, usersOfBatch: Math.min(userIds.length / PARTITIONS, load.events / load.batches) };
  }

  async #count(name: string, userIds: readonly string[], count: number): Promise<void> {
    const events = eventsInOrder(name, count, (i) => userIds[i % userIds.length]!).map(withLabels);
    await this.topic.send(events);
    this.sent += count;
    await untilCounted(this.topic, this.sent);
  }

  async #single(): Promise<Load> {
    await this.#traffic.ask({ perSecond: SINGLE_PER_SECOND });
    await sleep(SETTLE_MS);
    const load = await this.#meter.measure(() => sleep(this.#bench.size(15_000, 2_000)));
    await this.#traffic.ask({ perSecond: 0 });
    await sleep(SETTLE_MS);
    this.sent = await this.topic.committed();
    return load;
  }
}

/** Of three agents, two directions and three statuses. */
function withLabels(event: CallEvent, i: number): CallEvent {
  return {
    ...event,
    agent_id: agentId(i % 3),
    direction: i % 2 === 0 ? 'inbound' : 'outbound',
    status: ['completed', 'failed', 'no_answer'][Math.floor(i / 6) % 3]!,
  };
}
