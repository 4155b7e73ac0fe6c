import { join } from 'node:path';
import {
  CounterSession,
  type CounterSessionOptions,
  ensureGenerations,
  readGenerations,
  writeCheckpoint,
} from '@calltally/counters';
import { Checkpoints, GenerationPoll } from '@calltally/ledger';
import { startRedisCluster } from '@calltally/stack';
import { Redis } from 'ioredis';
import type { Bench } from '../bench.ts';
import type { Figure } from '../results.ts';

const PROCESSES = 100;
const PARTITIONS = 500;
const READERS = 10;
const SECONDS = 10;
/** A tenth of a second. */
const TICKS = 10;

/** The calls of one tenth of a second. */
type Play = (tick: number) => Promise<unknown>;

export const masters: Figure = {
  name: 'masters',
  lines: [
    { name: 'masters-commands', unit: 'commands/s' },
    { name: 'masters-in', unit: 'KiB/s' },
    { name: 'masters-out', unit: 'KiB/s' },
    { name: 'masters-cpu', unit: 'ms/s' },
  ],
  // Measured once, because it does not vary.
  async measure(bench, note) {
    const world = await MastersWorld.start(bench);
    const seconds = bench.size(SECONDS, 1);
    const before = await world.cost(seconds, world.before());
    const now = await world.cost(seconds, world.now());
    for (const name of ['commands', 'in', 'out', 'cpu'] as const) {
      note(`masters-${name}`, { ours: now[name], other: before[name] });
    }
    world.end();
  },
};

/** A cluster of three masters, and the sessions of all processes with it. */
class MastersWorld {
  readonly #nodes: Redis[];
  readonly #ingest: Ledger[];
  readonly #readers: CounterSession[];
  #timeMs = Date.now();
  #offset = 0;
  #commands = 0;

  private constructor(nodes: Redis[], ingest: Ledger[], readers: CounterSession[]) {
    this.#nodes = nodes;
    this.#ingest = ingest;
    this.#readers = readers;
    for (const { masters } of [...ingest.map(({ session }) => session), ...readers]) {
      for (const { redis } of masters) this.#count(redis);
    }
  }

  static async start(bench: Bench): Promise<MastersWorld> {
    const cluster = await startRedisCluster({ dataDir: join(bench.folder, 'masters'), replicas: 0 });
    bench.atEnd(() => cluster.stop('SIGKILL'));
    const limits = { commandTimeoutMs: 60_000, openTimeoutMs: 60_000 };
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    const open = (more: Partial<CounterSessionOptions> = {}) =>
      CounterSession.open({ clusterNodes, ...limits, ...more });
    const through = new Map(Array.from({ length: PARTITIONS }, (_, partition) => [idOf(partition), -1]));
    const ingest: Ledger[] = [];
    for (let i = 0; i < PROCESSES; i++) {
      const session = await open();
      ingest.push({
        session,
        generations: await ensureGenerations(session, { retentionMonths: 25, through }),
      });
    }
    const readers: CounterSession[] = [];
    for (let i = 0; i < READERS; i++) readers.push(await open({ rememberedBytesMax: 1_000_000 }));
    return new MastersWorld(
      clusterNodes.map((node) => new Redis(node)),
      ingest,
      readers,
    );
  }

  /** As version 0.1.0 did: a command for each partition, and readers who read them all. */
  before(): Play {
    return async (tick) => {
      const asOfMs = this.#timeMs;
      const batches = this.#ingest.map((ledger, i) =>
        batchesOf(i, tick).map((partition) =>
          writeCheckpoint(ledger, { partition: idOf(partition), through: this.#offset, asOfMs }),
        ),
      );
      const looks = isLook(tick)
        ? this.#ingest.map((ledger, i) =>
            partitionsOf(i).map((partition) =>
              writeCheckpoint(ledger, { partition: idOf(partition), through: this.#offset, asOfMs }),
            ),
          )
        : [];
      const reads = isPoll(tick) ? this.#readers.map((session) => readGenerations(session)) : [];
      await Promise.all([...batches.flat(), ...looks.flat(), ...reads]);
    };
  }

  now(): Play {
    const checkpoints = this.#ingest.map((ledger) => new Checkpoints(ledger));
    const polls = this.#readers.map((session) => ({ session, poll: new GenerationPoll(() => this.#timeMs) }));
    return async (tick) => {
      const batches = checkpoints.map((one, i) =>
        batchesOf(i, tick).map((partition) =>
          one.counted(idOf(partition), this.#offset, [`user-${partition}-${this.#offset}`]),
        ),
      );
      const looks = isLook(tick)
        ? checkpoints.map((one, i) =>
            one.flush(new Map(partitionsOf(i).map((partition) => [idOf(partition), this.#timeMs]))),
          )
        : [];
      const reads = isPoll(tick)
        ? polls.map(async ({ session, poll }) => {
            await poll.read(session);
            // One PING to each master, on a connection of the session's own.
            this.#commands += session.masters.length;
            await session.believe(session.masters);
          })
        : [];
      await Promise.all([...batches.flat(), ...looks, checkpoints[0]!.advanceAsOf(), ...reads]);
    };
  }

  /** What so many seconds cost a master, by the second. */
  async cost(seconds: number, play: Play) {
    await this.#second(play);
    const begun = await this.#used();
    for (let second = 1; second <= seconds; second++) await this.#second(play);
    const ended = await this.#used();
    const each = (name: keyof typeof ended) => (ended[name] - begun[name]) / seconds / this.#nodes.length;
    return { commands: each('commands'), in: each('in') / 1024, out: each('out') / 1024, cpu: each('cpu') };
  }

  end(): void {
    for (const node of this.#nodes) node.disconnect();
    for (const session of [...this.#ingest.map((ledger) => ledger.session), ...this.#readers]) {
      session.end('measured');
    }
  }

  #count(redis: Redis): void {
    const send = redis.sendCommand.bind(redis);
    redis.sendCommand = (...given) => {
      this.#commands += 1;
      return send(...given);
    };
  }

  async #second(play: Play): Promise<void> {
    for (let tick = 0; tick < TICKS; tick++) {
      this.#timeMs += 1_000 / TICKS;
      this.#offset += 1;
      await play(tick);
    }
  }

  /** By all masters together. */
  async #used() {
    const sum = { commands: this.#commands, in: 0, out: 0, cpu: 0 };
    for (const node of this.#nodes) {
      const info = await node.info();
      const value = (field: string) => Number(new RegExp(`^${field}:(.+)$`, 'm').exec(info)![1]);
      sum.in += value('total_net_input_bytes');
      sum.out += value('total_net_output_bytes');
      sum.cpu += (value('used_cpu_sys') + value('used_cpu_user')) * 1_000;
    }
    return sum;
  }
}

type Ledger = ConstructorParameters<typeof Checkpoints>[0];

const idOf = (partition: number) => `0:${partition}`;
const partitionsOf = (process: number) =>
  Array.from({ length: PARTITIONS / PROCESSES }, (_, i) => i * PROCESSES + process);
/** Each partition has a batch a second, of one user. */
const batchesOf = (process: number, tick: number) =>
  partitionsOf(process).filter((partition) => partition % TICKS === tick);
const isLook = (tick: number) => tick % 5 === 0;
const isPoll = (tick: number) => tick % 2 === 0;
