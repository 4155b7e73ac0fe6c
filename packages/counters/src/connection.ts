import { Redis } from 'ioredis';
import pTimeout from 'p-timeout';
import { connectionFault } from './connection-fault.ts';
import { defineScripts } from './scripts.ts';

export interface CounterSessionOptions {
  /** redis:// or rediss:// URL of a single node. */
  url?: string;
  /** Instead of `url`: some nodes of a cluster. The settings below hold for every node. */
  clusterNodes?: readonly { host: string; port: number }[];
  /** TLS with these PEM texts; without `ca`, with the authorities that Node knows. */
  tls?: boolean | { ca?: string; cert?: string; key?: string };
  username?: string;
  password?: string;
  /** A cluster's masters that cannot be reached are left out. By default the session is not opened without them. */
  allowsAbsentMasters?: boolean;
  /** Bound of one command. When it passes, the connection is over. */
  commandTimeoutMs: number;
  /**
   * Measures `commandTimeoutMs` in loop time, so that Redis is not blamed while this process stands still. For short
   * bounds; by default the clock counts.
   */
  timeoutExcludesStalls?: boolean;
  /** What is read of users is remembered, in so many bytes, while it is true (`Tracking`). Default: nothing is. */
  rememberedBytesMax?: number;
  /** Bound of opening a session with all its connections. */
  openTimeoutMs: number;
}

/**
 * Opens one connection that is never resumed: no reconnecting, no resending, no queue while it is down. After a cut Redis
 * may be back in an older state, and only a new session checks how far back.
 * @throws CountersError COUNTERS_LOST if it fails or takes longer than `openTimeoutMs`, COUNTERS_CREDENTIALS, COUNTERS_TLS
 */
export async function openConnection(
  settings: CounterSessionOptions,
  node?: { host: string; port: number },
  protocol: 2 | 3 = 3,
): Promise<Redis> {
  const options = {
    protocol,
    lazyConnect: true,
    retryStrategy: () => null,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    enableOfflineQueue: false,
    connectTimeout: settings.openTimeoutMs,
    ...(settings.timeoutExcludesStalls ? {} : { commandTimeout: settings.commandTimeoutMs }),
    ...(settings.tls ? { tls: settings.tls === true ? {} : { ...settings.tls } } : {}),
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(settings.password === undefined ? {} : { password: settings.password }),
    ...node,
  };
  const redis = settings.url === undefined ? new Redis(options) : new Redis(settings.url, options);
  // `connect` rejects without the reason, such as a wrong password. That is only emitted.
  let emitted: unknown;
  redis.on('error', (error) => {
    emitted ??= error;
  });
  defineScripts(redis);
  try {
    const message = 'no answer while connecting';
    await pTimeout(redis.connect(), { milliseconds: settings.openTimeoutMs, message });
    return redis;
  } catch (thrown) {
    redis.disconnect();
    const usesTls = Boolean(settings.tls) || settings.url?.startsWith('rediss:') === true;
    throw connectionFault(emitted ?? thrown, usesTls);
  }
}
