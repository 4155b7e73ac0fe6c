import type { SecretKey } from '@calltally/hooks';
import type { ApiKeyCache, Drain } from '@calltally/http';
import type { Store } from '@calltally/store';
import type { Logger, Registry } from '@calltally/telemetry';
import type { ByteBudget } from './byte-budget.ts';
import type { HookCache } from './hooks/hook-cache.ts';
import type { IntakeMeasures } from './metrics.ts';
import type { Sink } from './sink.ts';

/** What the app needs. It neither opens nor closes any of it. */
export interface AppParts {
  sink: Pick<Sink, 'write' | 'ping'>;
  keys: ApiKeyCache;
  hooks: Pick<HookCache, 'find'>;
  store: Pick<Store, 'ping' | 'hookReceipts'>;
  logger: Logger;
  /** Not shared with another app. */
  metrics: Registry;
  /** The name of the topic, for the AsyncAPI document. */
  topic: string;
  /** Decrypt the secrets of hooks. */
  hookKeys: readonly SecretKey[];
  /** The address under which platforms reach intake. Default: what the request says. */
  publicUrl?: string | undefined;
  /** Epoch milliseconds. Default: the system's clock. */
  clock?: () => number;
  /** The announced end of the process. Default: never. */
  drain?: Drain;
  /** Whether `/healthz`, `/readyz` and `/metrics` are served elsewhere (`buildManagement`). Default: no. */
  managedElsewhere?: boolean;
  /** Proxies that are trusted to report client addresses, as in `TRUST_PROXY`. Default: none. */
  trustedProxies?: readonly string[];
}

/** What routes get. */
export interface RouteParts extends AppParts {
  clock: () => number;
  drain: Drain;
  measures: IntakeMeasures;
  callsBudget: ByteBudget;
  hooksBudget: ByteBudget;
}
