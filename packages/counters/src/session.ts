import { withinLoopTime } from '@calltally/telemetry';
import type { ChainableCommander } from 'ioredis';
import type { CounterSessionOptions } from './connection.ts';
import { CountersError } from './errors.ts';
import { userKey } from './keys.ts';
import {
  type AbsentMaster,
  changeOf,
  type FoundMasters,
  type MasterNode,
  masterOf,
  openMasters,
  SLOTS_MOVED,
  track,
} from './masters.ts';
import { inRedisSpan } from './redis-span.ts';
import { type Script, scriptOf } from './scripts.ts';
import { slotOf } from './slots.ts';
import { Tracking } from './tracking.ts';
import { WindowSumsBatcher } from './window-sums-batcher.ts';
import { writeTogether } from './write-together.ts';

/** A session that was replaced does not notice when its successor ends connections that both had. */
const ENDED = new WeakSet<object>();

/** A master of a session. */
export interface Master extends MasterNode {
  windowSums: WindowSumsBatcher;
  /** Why its connection is over; undefined while it can be used. */
  lost: CountersError | undefined;
  /** Slots that were seen to have moved away since the session was opened. Changed by nobody else. */
  gone: Set<number>;
}

/** A script for one user. The user's hash comes first among its keys. */
export interface UserCommand {
  userId: string;
  keys: string[];
  args: (string | number)[];
}

/**
 * Connections to the masters of Redis. A connection is over with its first error, time-out or cut, and is never resumed:
 * from then on every call that needs its master rejects with COUNTERS_LOST. The masters of a session never change, so
 * whoever needs one that was lost, or a slot that has moved, opens another session.
 */
export class CounterSession {
  readonly masters: readonly Master[];
  /** Masters that could not be reached when the session was opened. */
  readonly absent: readonly AbsentMaster[];
  readonly isCluster: boolean;
  /** Whether generations name other slots than the masters have, so that users are left out. */
  isBehind = false;
  /** Resolves (never rejects) with the reason when the first master is lost, or the session is ended. */
  readonly ended: Promise<CountersError>;
  readonly #settings: CounterSessionOptions;
  /** Bounds work in loop time; does nothing where ioredis bounds each command by the clock. */
  readonly #bounded: <T>(work: Promise<T>) => Promise<T>;
  readonly #cuts = new Map<Master, () => void>();
  #resolveEnded!: (reason: CountersError) => void;
  #reason: CountersError | undefined;

  private constructor({ masters, absent }: FoundMasters, settings: CounterSessionOptions) {
    this.masters = masters.map((node) => {
      const master: Master = {
        ...node,
        windowSums: new WindowSumsBatcher((generation, keys) =>
          this.runForKeys(master, 'window-sums', generation, keys),
        ),
        lost: undefined,
        gone: new Set(),
      };
      return master;
    });
    this.absent = absent;
    this.#settings = settings;
    this.isCluster = settings.clusterNodes !== undefined;
    const { timeoutExcludesStalls, commandTimeoutMs } = settings;
    this.#bounded = timeoutExcludesStalls
      ? (work) => withinLoopTime(work, commandTimeoutMs, () => new Error('Command timed out'))
      : (work) => work;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    for (const master of this.masters) {
      const cut = () => void this.#lose(master, 'the connection to Redis was cut');
      this.#cuts.set(master, cut);
      master.redis.once('close', cut);
      // It may have been cut while another master's was opened.
      if (master.redis.status !== 'ready') cut();
    }
  }

  /**
   * @param before a session whose connections are kept, where they can be used. It can go on, until `replacedBy`
   * @throws CountersError COUNTERS_LOST when Redis cannot be reached within the limits
   */
  static async open(settings: CounterSessionOptions, before?: CounterSession): Promise<CounterSession> {
    const known = before?.masters.filter(({ lost, redis }) => lost === undefined && !ENDED.has(redis));
    return new CounterSession(await openMasters(settings, known), settings);
  }

  /** Whether its masters are still those of the cluster, as far as anybody has noticed, and none was lost. */
  get isOpen(): boolean {
    return this.#reason === undefined;
  }

  /** Whether one of its masters can be used. */
  get isUsable(): boolean {
    return this.masters.some(({ lost }) => lost === undefined);
  }

  /** Ends the session: closes its connections and rejects pending commands. */
  end(reason: string): void {
    for (const master of this.masters) this.#lose(master, reason);
  }

  /** Leaves the connections that another session has kept to it, and closes the others. */
  replacedBy(next: CounterSession): void {
    for (const master of this.masters) {
      if (next.masters.some(({ redis }) => redis === master.redis)) {
        master.redis.off('close', this.#cuts.get(master)!);
      } else this.#lose(master, 'the master is no longer in the cluster');
    }
  }

  /**
   * Why a cluster should be opened again: what has changed since, or a master that was lost.
   * @returns undefined if nothing has changed
   * @throws CountersError if no node tells
   */
  async change(): Promise<string | undefined> {
    if (this.#reason !== undefined) return this.#reason.message;
    if (this.isBehind || this.masters.some(({ gone }) => gone.size > 0)) return SLOTS_MOVED;
    return changeOf(this.#settings, { masters: [...this.masters], absent: [...this.absent] });
  }

  /** Whether the user's master is one of the session's, lost or not. False for ever once their slot is seen to have moved. */
  holds(userId: string): boolean {
    return this.#masterOf(userId) !== undefined;
  }

  /** Whether the user's master can be used now. */
  reaches(userId: string): boolean {
    const master = this.#masterOf(userId);
    return master !== undefined && master.lost === undefined;
  }

  /** @throws CountersError COUNTERS_LOST if the user's master is absent, COUNTERS_MOVED if their slot has moved */
  master(userId: string): Master {
    const master = this.#placeOf(userId);
    if (master === undefined) throw new CountersError('COUNTERS_LOST', 'the master of a user is away');
    if (this.#hasGone(master, userId)) throw new CountersError('COUNTERS_MOVED', 'a slot has moved');
    return master;
  }

  #masterOf(userId: string): Master | undefined {
    const master = this.#placeOf(userId);
    return master === undefined || this.#hasGone(master, userId) ? undefined : master;
  }

  /** The master that had the user's slot when the session was opened. */
  #placeOf(userId: string): Master | undefined {
    return this.isCluster ? masterOf(this.masters, userKey(userId)) : this.masters[0];
  }

  #hasGone({ gone }: Master, userId: string): boolean {
    return gone.size > 0 && gone.has(slotOf(userKey(userId)));
  }

  /** For each master that holds some of these users, their indexes in the list. @throws as `master` */
  byMaster(userIds: readonly string[]): Map<Master, number[]> {
    const byMaster = new Map<Master, number[]>();
    for (const [i, userId] of userIds.entries()) {
      const master = this.master(userId);
      const indexes = byMaster.get(master);
      if (indexes === undefined) byMaster.set(master, [i]);
      else indexes.push(i);
    }
    return byMaster;
  }

  /**
   * Awaits work on a master's connection. Any failure loses the master, unless it only says that slots move.
   * @throws CountersError
   */
  async endOnError<T>(master: Master, work: () => Promise<T>): Promise<T> {
    if (master.lost !== undefined) throw master.lost;
    try {
      return await this.#bounded(work());
    } catch (thrown) {
      throw this.noteMoved(master, thrown) ?? this.#lose(master, messageOf(thrown), thrown);
    }
  }

  /**
   * The error if a node refused a command because of its slot. One that has moved is noted: its users are out of reach
   * until another session is opened. The slot of the master's own keys needs one at once.
   */
  noteMoved(master: Master, thrown: unknown): CountersError | undefined {
    const [, reply, slot] = /^(MOVED|ASK|TRYAGAIN|CLUSTERDOWN)\b ?(\d+)?/.exec(messageOf(thrown)) ?? [];
    if (reply === undefined) return undefined;
    if (reply !== 'MOVED') return new CountersError('COUNTERS_MOVING', 'the cluster is changing', thrown);
    if (Number(slot) !== slotOf(master.generationKey)) {
      master.gone.add(Number(slot));
      return new CountersError('COUNTERS_MOVED', 'a slot has moved', thrown);
    }
    const moved = new CountersError('COUNTERS_LOST', 'slots have moved to another master', thrown);
    this.#reason ??= moved;
    this.#resolveEnded(moved);
    return moved;
  }

  #lose(master: Master, reason: string, cause?: unknown): CountersError {
    // Each command that waited comes here, and ioredis adds a listener to the socket whenever it is told to disconnect.
    if (master.lost !== undefined) return master.lost;
    master.lost = new CountersError('COUNTERS_LOST', reason, cause);
    ENDED.add(master.redis);
    master.redis.disconnect();
    this.#reason ??= master.lost;
    this.#resolveEnded(this.#reason);
    return master.lost;
  }

  /**
   * As `endOnError`, for writes that nothing depends on. A Redis that is full or has become a replica refuses them, but
   * can still be read.
   * @returns undefined if they were refused
   */
  attempt<T>(master: Master, work: () => Promise<T>): Promise<T | undefined> {
    return this.endOnError(master, () =>
      work().catch((thrown: unknown) => {
        if (/\b(OOM|READONLY)\b/.test(String(thrown))) return undefined;
        throw thrown;
      }),
    );
  }

  run(master: Master, script: Script, keys: string[], args: (string | number)[]): Promise<unknown> {
    return inRedisSpan(script, 1, () =>
      this.endOnError(master, () => {
        writeTogether(master.redis);
        return scriptOf(master.redis, script)(keys.length, ...keys, ...args);
      }),
    );
  }

  /**
   * Resolves when readings from memory contain all that was counted before now, on every master that can be used.
   * @throws CountersError
   */
  async confirm(): Promise<void> {
    await this.#tracked(this.masters, (tracking) => tracking.confirm());
  }

  /**
   * As `confirm`, of masters whose generation was read just now. What is remembered of them is believed for the next second.
   * @throws CountersError
   */
  async believe(masters: Iterable<Master>): Promise<void> {
    await this.#tracked(masters, (tracking) => tracking.believe());
  }

  async #tracked(masters: Iterable<Master>, work: (tracking: Tracking) => Promise<void>): Promise<void> {
    await Promise.all(
      [...masters].map(async (master) => {
        const { lost, tracking } = master;
        if (lost === undefined && tracking instanceof Tracking) {
          await this.endOnError(master, () => work(tracking));
        }
      }),
    );
  }

  /** Tries again to have those masters tell of changes that did not. @returns why they still do not */
  async trackAgain(): Promise<Error[]> {
    const untracked = this.masters.filter(
      ({ lost, tracking }) => lost === undefined && tracking instanceof Error,
    );
    for (const master of untracked) {
      master.tracking = await track(this.#settings, master, this.masters.length);
    }
    return untracked.flatMap(({ tracking }) => (tracking instanceof Error ? [tracking] : []));
  }

  /**
   * Runs a script once for many users of a master.
   * @returns its reply for each user, in the order of the keys; '' (unknown) for one whose slot moves
   */
  runForKeys(
    master: Master,
    script: 'window-sums' | 'digests',
    generation: string,
    keys: readonly string[],
  ): Promise<string[]> {
    return this.endOnError(master, async () => {
      if (!this.isCluster) {
        return (await scriptOf(master.redis, script)(keys.length, ...keys, generation)) as string[];
      }
      // Keys of a cluster lie in different slots, and no command may name two slots.
      const pipeline = master.redis.pipeline();
      const queue = scriptOf(pipeline, script);
      for (const key of keys) queue(1, key, generation);
      const results = (await pipeline.exec()) ?? [];
      if (results.length < keys.length) throw new Error('no reply');
      return results.map(([error, reply]) => {
        // A user whose slot moves is no reason to fail the others who share the pipeline.
        if (error === null) return (reply as string[])[0]!;
        if (this.noteMoved(master, error) === undefined) throw error;
        return '';
      });
    });
  }

  /** Notes all slots that have moved, not only that of the first user who is refused. */
  async #repliesOf(master: Master, pipeline: ChainableCommander): Promise<unknown[]> {
    const results = (await pipeline.exec()) ?? [];
    if (results.length < pipeline.length) throw new Error('no reply');
    const failures = results.flatMap(([error]) => error ?? []);
    const notOfSlots = failures.filter((error) => this.noteMoved(master, error) === undefined);
    if (failures.length > 0) throw notOfSlots[0] ?? failures[0];
    return results.map(([, reply]) => reply);
  }

  /** Runs a script once for each user, in one pipeline per master. @returns the replies, in the order of the commands */
  runForUsers(script: Script, commands: readonly UserCommand[]): Promise<unknown[]> {
    return inRedisSpan(script, commands.length, () => this.#runForUsers(script, commands));
  }

  async #runForUsers(script: Script, commands: readonly UserCommand[]): Promise<unknown[]> {
    const replies = new Array<unknown>(commands.length);
    await Promise.all(
      [...this.byMaster(commands.map(({ userId }) => userId))].map(([master, indexes]) =>
        this.endOnError(master, async () => {
          const pipeline = master.redis.pipeline();
          const queue = scriptOf(pipeline, script);
          for (const index of indexes) {
            const { keys, args } = commands[index]!;
            queue(keys.length, ...keys, ...args);
          }
          writeTogether(master.redis);
          const found = await this.#repliesOf(master, pipeline);
          for (const [i, index] of indexes.entries()) replies[index] = found[i];
        }),
      ),
    );
    return replies;
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
