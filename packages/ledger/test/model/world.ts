import { type Call, type CallIdentity, type Cell, cellOf, DAY_MS, type DeletedCall } from '@calltally/domain';
import type { Source, Store } from '@calltally/store';
import type { Document } from 'mongodb';
import { isOfCells, stateOfCells } from './cells.ts';
import { Cluster } from './cluster.ts';
import type { Edit } from './lua.ts';
import { LuaScripts } from './lua.ts';
import { type Contents, MongoServer, openModelStore, timedOut } from './mongo.ts';
import { type Hashes, openSession, RedisClient, RedisServer } from './redis.ts';
import { Topic } from './topic.ts';
import { type Command, goOn, plain, Worker } from './turns.ts';
import type { Process, Work } from './workers.ts';

export const PARTITIONS = 2;
export const USERS = ['u-a', 'u-b'];
/** A time in the middle of a month. */
const NOW_MS = Date.UTC(2026, 4, 15, 12);
/** Days between two consecutive calls, and how many days they are spread over. */
const DAYS_APART = 7;
const DAYS = 50;
const AHEAD_EVERY = 5;
/** Most calls are not at the time of day that is now: two hours and half of one before it, or twice that. */
const TIME_APART_MS = 9_000_000;
const TIMES = 3;
/** Whose version a call is, by its number. */
const AGENTS = ['ada', undefined, 'bob'];
const STATUSES = ['completed', 'failed'];

/** A rule that is broken on purpose, to show that the tests find it. */
export interface Fault {
  scripts?: readonly Edit[];
  store?: (store: Store) => Store;
  /** Changes what is asked of Mongo: each stage of an aggregation. */
  stage?: (stage: Document) => Document;
  process?: (process: Process) => Process;
  order?: Process['order'];
  looksAtCheckpoints?: boolean;
  /** The client reconnects by itself and goes on, as ioredis would. */
  reconnects?: boolean;
}

const SCRIPTS = new LuaScripts();
const ORDER: Process['order'] = ['record', 'checkpoint', 'commit'];

/** Something that may happen next. */
export interface Step {
  text: string;
  /** How much more often than others in a random run. */
  weight: number;
  /** The worker waits only for time. */
  isPause?: boolean;
  take: () => void | Promise<void>;
}

/** The engines, the processes that work with them, and what may happen to either. */
export class World {
  readonly redis: RedisServer;
  readonly mongo = new MongoServer();
  readonly topic = new Topic(PARTITIONS);
  nowMs = NOW_MS;
  workers: Worker[] = [];
  /** Commands whose senders stopped waiting. They may take effect at any time. */
  late: Command[] = [];
  readonly dumps: Hashes[] = [];
  readonly backups: Contents[] = [];
  /** Generations that count calls whose rows are gone with a Mongo put back. The next epoch replaces them. */
  readonly outdated = new Set<string>();
  /** Mongo was put back, so that commits may be ahead of it. */
  wentBack = false;
  /** Mongo lost rows at or below `stored`. Until they are back, rows tell less than counters and `stored`. */
  lostRows = false;
  /** Something impossible that a worker found. */
  breach: string | undefined;
  readonly #fault: Fault;
  readonly #cellsMax: number;
  #started = 0;

  /** @param settings.cellsMax cells that counters keep of a month; default: none, which is played twice as fast */
  constructor(fault: Fault = {}, settings: { isCluster?: boolean; cellsMax?: number } = {}) {
    const { isCluster = false, cellsMax = 0 } = settings;
    this.#fault = fault;
    this.#cellsMax = cellsMax;
    const scripts = fault.scripts === undefined ? SCRIPTS : scriptsOf(fault);
    this.redis = new RedisServer(scripts, () => this.nowMs, isCluster ? new Cluster() : undefined);
  }

  /**
   * What a producer says first about a call. Durations are powers of two, so a sum tells what is in it: each version of a
   * call has a number of its own. Versions lie on days near and far, some before the kept months, some ahead of the clock,
   * and in different cells.
   */
  call(number: number, userId: string): Call {
    const isAhead = number % AHEAD_EVERY === AHEAD_EVERY - 1;
    const startedAt = isAhead
      ? NOW_MS + number * 1_000
      : NOW_MS - ((number * DAYS_APART) % DAYS) * DAY_MS - (number % TIMES) * TIME_APART_MS - number * 1_000;
    return { callId: `c${number}`, userId, startedAt, durationMs: 2 ** number, ...labelsOf(number) };
  }

  /**
   * Another version of a call. Its start and its labels are those of its number; revision 2 leaves the start as it was,
   * revision 3 the labels.
   */
  correction(number: number, of: Call, revision: number): Call {
    const { startedAt, durationMs } = this.call(number, of.userId);
    const { callId, userId } = of;
    const start = revision === 2 ? of.startedAt : startedAt;
    const labels = revision === 3 ? cellOf(of) : labelsOf(number);
    return { callId, userId, startedAt: start, durationMs, revision, ...labels };
  }

  deletion({ callId, userId }: CallIdentity, revision: number): DeletedCall {
    return { callId, userId, deleted: true, revision };
  }

  async start(name: string, work: Work, clockMs = 0): Promise<Worker> {
    const worker = new Worker(`${name} ${++this.#started}`);
    worker.clockMs = clockMs;
    this.workers.push(worker);
    const store = openModelStore(worker, this.mongo, { faulty: this.#fault.stage });
    const process: Process = {
      worker,
      topic: this.topic,
      store: this.#fault.store?.(store) ?? store,
      open: () => openSession(worker, this.redis),
      order: this.#fault.order ?? ORDER,
      looksAtCheckpoints: this.#fault.looksAtCheckpoints ?? true,
      cellsMax: this.#cellsMax,
    };
    const faulty = this.#fault.process?.(process) ?? process;
    await this.#goOn(worker, () => {
      work(faulty)
        .catch((thrown) => {
          this.breach ??= `${worker.name}: ${thrown?.stack ?? thrown}`;
        })
        .finally(() => this.remove(worker));
    });
    return worker;
  }

  /** Nothing of a removed worker takes effect any more. */
  remove(worker: Worker): void {
    worker.sent = [];
    for (const client of this.redis.clients) if (client.worker === worker) client.disconnect();
    this.workers = this.workers.filter((other) => other !== worker);
  }

  /** The next command of each connection of each worker. */
  turns(): Step[] {
    return this.workers.flatMap((worker) =>
      heads(worker).map((command) => ({
        text: `${worker.name}: ${command.text}`,
        weight: 12,
        isPause: command.engine === 'timer',
        take: () => this.takeEffect(worker, command),
      })),
    );
  }

  async takeEffect(worker: Worker, command: Command): Promise<void> {
    const reply = command.effect();
    worker.sent = worker.sent.filter((other) => other !== command);
    worker.told(command.text, reply);
    await this.#goOn(worker, () => command.answer(reply));
  }

  /** Its sender stops waiting, but the command is still on its way. */
  async giveUp(worker: Worker, command: Command): Promise<void> {
    const { connection } = command;
    const given = worker.sent.filter((other) => other === command || other.connection === connection);
    await this.#fail(worker, given);
    this.late.push(...given);
    if (connection instanceof RedisClient) await this.#goOn(worker, () => connection.close());
  }

  putRedisBack(dump: Hashes): Promise<void> {
    this.redis.putBack(dump);
    return this.#fault.reconnects ? Promise.resolve() : this.cutRedis();
  }

  /**
   * Pending commands never arrive.
   * @param master of a cluster, if only one is cut off
   */
  async cutRedis(master?: number): Promise<void> {
    const isCut = (connection: object) =>
      master === undefined || (connection instanceof RedisClient && connection.master === master);
    this.late = this.late.filter(({ engine, connection }) => engine !== 'redis' || !isCut(connection));
    for (const client of [...this.redis.clients].filter(isCut)) {
      await this.#fail(
        client.worker,
        client.worker.sent.filter(({ connection }) => connection === client),
      );
      client.worker.told('cut', '');
      await this.#goOn(client.worker, () => client.close());
    }
  }

  /** Cuts every connection. Everybody notices with the next command. */
  async putMongoBack(backup: Contents): Promise<void> {
    this.mongo.putBack(backup);
    this.late = this.late.filter(({ engine }) => engine !== 'mongo');
    this.wentBack = true;
    for (const worker of [...this.workers]) {
      const underWay = worker.sent.filter(({ engine }) => engine === 'mongo');
      worker.hasLostMongo = underWay.length === 0;
      await this.#fail(worker, underWay);
    }
  }

  async #fail(worker: Worker, commands: readonly Command[]): Promise<void> {
    worker.sent = worker.sent.filter((command) => !commands.includes(command));
    for (const command of commands) {
      worker.told(command.text, 'failed');
      await this.#goOn(worker, () => command.fail(timedOut()));
    }
  }

  #goOn(worker: Worker, act: () => void): Promise<void> {
    return goOn(worker, this.nowMs, act);
  }

  /** The same text for two worlds from which the same can follow. */
  state(): string {
    const { redis, mongo, topic, nowMs, workers, late, outdated } = this;
    const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
    const stateOf = (hashes: Hashes) => [
      sorted(hashes).flatMap(([key, hash]) => (isOfCells(key) ? [] : [[key, sorted(hash)]])),
      USERS.map((userId) => stateOfCells(hashes, userId)),
    ];
    const commands = (list: readonly Command[]) => list.map(({ text }) => text).sort();
    return plain([
      stateOf(redis.hashes),
      [mongo.calls, mongo.corrections].map((rows) =>
        sorted<{ source: Source; needs?: Source[] }>(rows).map(([id, { source, needs }]) => [
          id,
          source,
          needs,
        ]),
      ),
      sorted(mongo.progress).map(([, document]) => document),
      [topic.sent, topic.committed, nowMs, [...outdated], redis.cluster?.state()],
      workers.map((worker) => [
        worker.name,
        worker.history(),
        worker.hasLostMongo,
        worker.sent.map(({ text }) => text),
      ]),
      commands(late),
      this.dumps.map(stateOf),
      this.backups.map(({ calls, corrections, progress }) => [
        [...calls.keys(), ...corrections.keys()].sort(),
        sorted(progress),
      ]),
    ]);
  }
}

/** Commands that may take effect now: the first one of each connection. */
export function heads({ sent }: Worker): Command[] {
  return sent.filter(
    (command, i) => sent.findIndex(({ connection }) => connection === command.connection) === i,
  );
}

function labelsOf(number: number): Cell {
  return cellOf({ agentId: AGENTS[number % 3] ?? '', status: STATUSES[number % 2]! });
}

const edited = new Map<Fault, LuaScripts>();

function scriptsOf(fault: Fault): LuaScripts {
  const known = edited.get(fault) ?? new LuaScripts(fault.scripts);
  edited.set(fault, known);
  return known;
}
