import type { ChainableCommander } from 'ioredis';
import type { CounterSessionOptions } from './connection.ts';
import { CountersError } from './errors.ts';
import { userKey } from './keys.ts';
import { withinLoopTime } from './loop-time.ts';
import { type Master, masterOf, openMasters } from './masters.ts';
import { queue, run, type Script } from './scripts.ts';
import { WindowSumsBatcher } from './window-sums-batcher.ts';

/** A script for one user: the user's hash comes first among its keys. */
export interface UserCommand {
  userId: string;
  keys: string[];
  args: (string | number)[];
}

/**
 * One life of the connections to Redis. It ends at the first error, time-out or cut and is never resumed; then every
 * call rejects with COUNTERS_LOST, and whoever needs the counters opens another session.
 */
export class CounterSession {
  readonly masters: readonly Master[];
  /** Resolves (never rejects) with the reason when the session is over. */
  readonly ended: Promise<CountersError>;
  readonly #isCluster: boolean;
  /** Where commands are not bound by the clock. */
  readonly #loopLimitMs: number | undefined;
  readonly #ready: ReadonlyMap<Master, WindowSumsBatcher>;
  #end!: (reason: CountersError) => void;
  #reason: CountersError | undefined;

  private constructor(masters: Master[], settings: CounterSessionOptions) {
    this.masters = masters;
    this.#isCluster = settings.clusterNodes !== undefined;
    this.#loopLimitMs = settings.forgivesStalls ? settings.commandTimeoutMs : undefined;
    this.#ready = new Map(
      masters.map((master) => [
        master,
        new WindowSumsBatcher((generation, keys) => this.askUsers(master, 'ready', generation, keys)),
      ]),
    );
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const cut = () => this.end('the connection to Redis was cut');
    for (const { redis } of masters) {
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

  /** Ends the session: closes its connections and rejects what is under way. */
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

  /** Awaits work on the session's connections; whatever goes wrong with it ends the session. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    if (this.#reason !== undefined) throw this.#reason;
    try {
      return await (this.#loopLimitMs === undefined
        ? work()
        : withinLoopTime(work(), this.#loopLimitMs, () => new Error('Command timed out')));
    } catch (thrown) {
      throw this.end(thrown instanceof Error ? thrown.message : String(thrown), thrown);
    }
  }

  /**
   * As `guard`, for writes that nothing depends on: a Redis that is full, or a replica by now, refuses them, and can be read
   * all the same.
   * @returns undefined where they were refused
   */
  attempt<T>(work: () => Promise<T>): Promise<T | undefined> {
    return this.guard(() =>
      work().catch((thrown: unknown) => {
        if (/\b(OOM|READONLY)\b/.test(String(thrown))) return undefined;
        throw thrown;
      }),
    );
  }

  run(master: Master, script: Script, keys: string[], args: (string | number)[]): Promise<unknown> {
    return this.guard(() => run(master.redis, script, keys, args));
  }

  /** What lua/ready.lua says of a user of a master, asked together with whoever else is asked for. */
  ready(master: Master, generation: string, key: string): Promise<string> {
    return this.#ready.get(master)!.ask(generation, key);
  }

  /** What a script says of each of many users of a master, in the order of their keys. */
  askUsers(
    master: Master,
    script: 'ready' | 'version',
    generation: string,
    keys: readonly string[],
  ): Promise<string[]> {
    return this.guard(async () => {
      if (!this.#isCluster) return (await run(master.redis, script, keys, [generation])) as string[];
      // Keys of a cluster lie in different slots, and no command may name two of them.
      const pipeline = master.redis.pipeline();
      for (const key of keys) queue(pipeline, script, [key], [generation]);
      return ((await repliesOf(pipeline)) as string[][]).flat();
    });
  }

  /** Runs one script for each of some users, a pipeline a master; replies in the order given. */
  async runForUsers(script: Script, commands: readonly UserCommand[]): Promise<unknown[]> {
    const replies = new Array<unknown>(commands.length);
    const pipelines = new Map<Master, { pipeline: ChainableCommander; places: number[] }>();
    await this.guard(async () => {
      commands.forEach(({ userId, keys, args }, place) => {
        const master = this.master(userId);
        let entry = pipelines.get(master);
        if (entry === undefined) {
          entry = { pipeline: master.redis.pipeline(), places: [] };
          pipelines.set(master, entry);
        }
        queue(entry.pipeline, script, keys, args);
        entry.places.push(place);
      });
      await Promise.all(
        [...pipelines.values()].map(async ({ pipeline, places }) => {
          const found = await repliesOf(pipeline);
          places.forEach((place, i) => {
            replies[place] = found[i];
          });
        }),
      );
    });
    return replies;
  }
}

/** @throws whatever went wrong with any of its commands */
async function repliesOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? [];
  if (results.length < pipeline.length) throw new Error('no reply');
  return results.map(([error, reply]) => {
    if (error !== null) throw error;
    return reply;
  });
}
