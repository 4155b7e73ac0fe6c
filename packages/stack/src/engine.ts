import type { Daemon } from './daemon.ts';
import type { EngineName } from './errors.ts';

/** An engine that was started here, or an external one that is only used. */
export interface Engine {
  readonly name: EngineName;
  /**
   * In the format of `KAFKA_BROKERS`, `REDIS_URL` and `MONGODB_URI`: `127.0.0.1:PORT`, `redis://127.0.0.1:PORT`,
   * `mongodb://127.0.0.1:PORT` (without a database; the caller adds one).
   */
  readonly address: string;
  /** The engine's process (redis-server, java, mongod or ferretdb). Undefined while it is down and if external. */
  readonly pid: number | undefined;
  /** True if an environment variable names the engine. It is never started or stopped here. */
  readonly external: boolean;
  readonly dataDir: string | undefined;
  /**
   * Stops the engine, by SIGTERM unless another signal is given. Kills it if it does not end in time. Resolves when its
   * processes are gone.
   */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again with the same port and data. Resolves when it answers. Rejects with StackError. */
  start(): Promise<void>;
}

export interface EngineOptions {
  /** The folder of this engine alone. It is created if it does not exist. */
  dataDir: string;
  /** Called with each line of progress, without a line break. */
  log?: ((line: string) => void) | undefined;
  /** Whether to restart the engine when it ends unexpectedly. Default: false. */
  restart?: boolean | undefined;
}

/**
 * An engine that was started here.
 * @param front the process that clients connect to
 * @param below the processes that it needs; they start first and stop last
 */
export function ownEngine(
  { name, address, dataDir }: { name: EngineName; address: string; dataDir: string },
  front: Daemon,
  below: readonly Daemon[] = [],
): Engine {
  return {
    name,
    address,
    external: false,
    dataDir,
    get pid() {
      return front.pid;
    },
    async start() {
      for (const daemon of [...below, front]) await daemon.start();
    },
    async stop(signal = 'SIGTERM') {
      const all = [front, ...below];
      // A kill must be immediate, so the order does not matter.
      if (signal === 'SIGKILL') await Promise.all(all.map((daemon) => daemon.stop(signal)));
      else for (const daemon of all) await daemon.stop(signal);
    },
  };
}

export function externalEngine(name: EngineName, address: string): Engine {
  const leaveAlone = async () => {};
  return {
    name,
    address,
    pid: undefined,
    external: true,
    dataDir: undefined,
    stop: leaveAlone,
    start: leaveAlone,
  };
}
