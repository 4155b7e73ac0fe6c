import type { Daemon } from './daemon.ts';
import type { EngineName } from './errors.ts';

/** One engine on this machine, or one elsewhere that is only named here. */
export interface Engine {
  readonly name: EngineName;
  /**
   * As `KAFKA_BROKERS`, `REDIS_URL` and `MONGODB_URI` take it: `127.0.0.1:PORT`, `redis://127.0.0.1:PORT`,
   * `mongodb://127.0.0.1:PORT` (without a database; the caller adds one).
   */
  readonly address: string;
  /** The engine's own process (redis-server, java, mongod or ferretdb); undefined while down, or external. */
  readonly pid: number | undefined;
  /** True for an engine that an environment variable names: never started, never stopped here. */
  readonly external: boolean;
  readonly dataDir: string | undefined;
  /**
   * Ends the engine, SIGTERM by default; one that has not gone after a bounded wait is killed. Resolves when
   * its processes are gone.
   */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port with the same data; resolves when it answers. Rejects with StackError. */
  start(): Promise<void>;
}

export interface EngineOptions {
  /** Folder of this one engine; made when absent. */
  dataDir: string;
  /** Takes one line of progress at a time, without a line end. */
  log?: ((line: string) => void) | undefined;
  /** Start the engine again when it dies by itself, as a supervisor would; default false. */
  restart?: boolean | undefined;
}

/**
 * An engine of ours.
 * @param front the process that is asked
 * @param below what it needs, which starts first and ends last
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
      // A killed engine is to be gone at once, its parts in no order.
      if (signal === 'SIGKILL') await Promise.all(all.map((daemon) => daemon.stop(signal)));
      else for (const daemon of all) await daemon.stop(signal);
    },
  };
}

/** An engine that somebody else runs. */
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
