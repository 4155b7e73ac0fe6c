import type { ChainableCommander } from 'ioredis';
import type { CounterSessionOptions } from './connection.ts';
import { CountersError } from './errors.ts';
import { userKey } from './keys.ts';
import { withinLoopTime } from './loop-time.ts';
import { type MasterNode, masterOf, openMasters } from './masters.ts';
import { type Script, scriptOf } from './scripts.ts';
import { WindowSumsBatcher } from './window-sums-batcher.ts';

/** A master of an open session. */
export interface Master extends MasterNode {
  windowSums: WindowSumsBatcher;
}

/** A script for one user. The user's hash comes first among its keys. */
export interface UserCommand {
  userId: string;
  keys: string[];
  args: (string | number)[];
}

/**
 * One life of the connections to Redis. It ends with the first error, time-out or cut and is never resumed. From then
 * on every call rejects with COUNTERS_LOST, and whoever needs the counters opens another session.
 */
export class CounterSession {
  readonly masters: readonly Master[];
  /** Resolves (never rejects) with the reason when the session is over. */
  readonly ended: Promise<CountersError>;
  readonly #isCluster: boolean;
  /** Bounds work in loop time; does nothing where ioredis bounds each command by the clock. */
  readonly #bounded: <T>(work: Promise<T>) => Promise<T>;
  #end!: (reason: CountersError) => void;
  #reason: CountersError | undefined;

  private constructor(nodes: MasterNode[], settings: CounterSessionOptions) {
    this.masters = nodes.map((node) => {
      const master: Master = {
        ...node,
        windowSums: new WindowSumsBatcher((generation, keys) =>
          this.runForKeys(master, 'window-sums', generation, keys),
        ),
      };
      return master;
    });
    this.#isCluster = settings.clusterNodes !== undefined;
    const { timeoutExcludesStalls, commandTimeoutMs } = settings;
    this.#bounded = timeoutExcludesStalls
      ? (work) => withinLoopTime(work, commandTimeoutMs, () => new Error('Command timed out'))
      : (work) => work;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const cut = () => this.end('the connection to Redis was cut');
    for (const { redis } of nodes) {
      redis.once('close', cut);
      // It may have been cut while another master's was opened.
      if (redis.status !== 'ready') cut();
    }
  }

  /** @throws CountersError COUNTERS_LOST when Redis cannot be reached within the limits */
  static async open(settings: CounterSessionOptions): Promise<CounterSession> {
    return new CounterSession(await openMasters(settings), settings);
  }

  get isOpen(): boolean {
    return this.#reason === undefined;
  }

  /** Ends the session: closes its connections and rejects pending commands. */
  end(reason: string, cause?: unknown): CountersError {
    if (this.#reason === undefined) {
      this.#reason = new CountersError('COUNTERS_LOST', reason, cause);
      for (const { redis } of this.masters) redis.disconnect();
      this.#end(this.#reason);
    }
    return this.#reason;
  }

  master(userId: string): Master {
    return this.#isCluster ? masterOf(this.masters, userKey(userId)) : this.masters[0]!;
  }

  /** For each master that holds some of these users, their indexes in the list. */
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

  /** Awaits work on the session's connections. Any failure ends the session. */
  async endOnError<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    try {
      return await this.#bounded(work());
    } catch (thrown) {
      throw this.end(thrown instanceof Error ? thrown.message : String(thrown), thrown);
    }
  }

  /**
   * As `endOnError`, for writes that nothing depends on. A Redis that is full or has become a replica refuses them, but
   * can still be read.
   * @returns undefined if they were refused
   */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.endOnError(() =>
      work().catch((thrown: unknown) => {
        if (/\b(OOM|READONLY)\b/.test(String(thrown))) return undefined;
        throw thrown;
      }),
    );
  }

  run(master: MasterNode, script: Script, keys: string[], args: (string | number)[]): Promise<unknown> {
    return this.endOnError(() => scriptOf(master.redis, script)(keys.length, ...keys, ...args));
  }

  /** Runs a script once for many users of a master. @returns its reply for each user, in the order of the keys */
  runForKeys(
    master: MasterNode,
    script: 'window-sums' | 'digests',
    generation: string,
    keys: readonly string[],
  ): Promise<string[]> {
    return this.endOnError(async () => {
      if (!this.#isCluster) {
        return (await scriptOf(master.redis, script)(keys.length, ...keys, generation)) as string[];
      }
      // Keys of a cluster lie in different slots, and no command may name two slots.
      const pipeline = master.redis.pipeline();
      const queue = scriptOf(pipeline, script);
      for (const key of keys) queue(1, key, generation);
      return ((await repliesOf(pipeline)) as string[][]).flat();
    });
  }

  /** Runs a script once for each user, in one pipeline per master. @returns the replies, in the order of the commands */
  async runForUsers(script: Script, commands: readonly UserCommand[]): Promise<unknown[]> {
    const replies = new Array<unknown>(commands.length);
    await this.endOnError(() =>
      Promise.all(
        [...this.byMaster(commands.map(({ userId }) => userId))].map(async ([{ redis }, indexes]) => {
          const pipeline = redis.pipeline();
          const queue = scriptOf(pipeline, script);
          for (const index of indexes) {
            const { keys, args } = commands[index]!;
            queue(keys.length, ...keys, ...args);
          }
          const found = await repliesOf(pipeline);
          for (const [i, index] of indexes.entries()) replies[index] = found[i];
        }),
      ),
    );
    return replies;
  }
}

/** @throws the first error among its commands */
async function repliesOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? [];
  if (results.length < pipeline.length) throw new Error('no reply');
  return results.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
