import { Redis } from 'ioredis';
import { CountersError } from './errors.ts';
import { defineScripts } from './scripts.ts';

export interface CounterSessionOptions {
  /** redis:// or rediss:// URL of the one node. */
  url?: string;
  /** Instead of `url`: some nodes of a cluster, and what holds for every node of it. */
  clusterNodes?: readonly { host: string; port: number }[];
  tls?: boolean;
  username?: string;
  password?: string;
  /** Bound of one command; when it passes the session is over. */
  commandTimeoutMs: number;
  /**
   * The bound of a command does not run while this process itself stands still: for short bounds, which would blame
   * Redis for that. Unless set it runs by the clock.
   */
  forgivesStalls?: boolean;
  /** Bound of opening a session, with all its connections. */
  openTimeoutMs: number;
}

/**
 * Opens one connection that is never resumed: no reconnecting, no resending, no queue while it is down. A cut may
 * mean that Redis came back in an older state, and only a new session looks how far back that was.
 * @throws CountersError COUNTERS_LOST when it cannot be had within `openTimeoutMs`
 */
export async function openConnection(
  settings: CounterSessionOptions,
  node?: { host: string; port: number },
): Promise<Redis> {
  const options = {
    lazyConnect: true,
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    connectTimeout: settings.openTimeoutMs,
    ...(settings.forgivesStalls ? {} : { commandTimeout: settings.commandTimeoutMs }),
    ...(settings.tls ? { tls: {} } : {}),
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...node,
  };
  const redis = settings.url === undefined ? new Redis(options) : new Redis(settings.url, options);
  // The rejection is what we act on; why it came about, as a password that is refused, is only emitted.
  let said: unknown;
  redis.on('error', (error) => {
    said ??= error;
  });
  defineScripts(redis);
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer while connecting')), settings.openTimeoutMs);
  });
  try {
    await Promise.race([redis.connect(), timeout]);
    return redis;
  } catch (thrown) {
    redis.disconnect();
    throw new CountersError('COUNTERS_LOST', 'Redis cannot be reached', said ?? thrown);
  } finally {
    clearTimeout(timer);
  }
}
