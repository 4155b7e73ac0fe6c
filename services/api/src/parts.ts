import type { ApiKeyCache, Drain } from '@calltally/http';
import type {
  CellsReader,
  ConcurrencyLimit,
  CountersLink,
  DashboardReader,
  DurationsReader,
  Filler,
  RowsAsOf,
  SeriesReader,
} from '@calltally/ledger';
import type { Store } from '@calltally/store';
import type { Logger, Registry } from '@calltally/telemetry';
import type { StreamLimits } from './stream/connection-limit.ts';
import type { Tokens } from './tokens/tokens.ts';

/** What the app needs. It neither opens nor closes any of it. */
export interface AppParts {
  reader: Pick<DashboardReader, 'read'>;
  series: Pick<SeriesReader, 'read'>;
  /** For breakdowns and filters. */
  cells: Pick<CellsReader, 'breakdown' | 'dashboard' | 'series'>;
  durations: Pick<DurationsReader, 'read'>;
  keys: ApiKeyCache;
  /** Default: only keys are accepted. */
  tokens?: Tokens | undefined;
  store: Pick<Store, 'ping'>;
  link: Pick<CountersLink, 'current' | 'reach' | 'remembered'>;
  filler: Pick<Filler, 'pieces' | 'rows' | 'queue'>;
  fallbacks: Pick<ConcurrencyLimit, 'underWay' | 'refused'>;
  rowsAsOf: Pick<RowsAsOf, 'current'>;
  logger: Logger;
  /** Not shared with another app. */
  metrics: Registry;
  /** Epoch milliseconds. Default: the system's clock. */
  clock?: () => number;
  /** The announced end of the process. Default: never. */
  drain?: Drain;
  /** Whether `/healthz`, `/readyz` and `/metrics` are served elsewhere (`buildManagement`). Default: no. */
  managedElsewhere?: boolean;
  /** Proxies that are trusted to report client addresses, as in `TRUST_PROXY`. Default: none. */
  trustedProxies?: readonly string[];
  /** Origins whose pages may read figures. Default: none. */
  origins?: readonly string[];
  /** Requests per user and second. Default: 0, no limit. */
  rateLimitPerSecond?: number;
  /** Reads at once. Default: what one core answers within a second or two. */
  readsAtOnceMax?: number;
  /** Default: what one core can serve. */
  streamLimits?: StreamLimits;
  /** Maximum age of the next stream. Default: ten to twenty minutes. */
  streamLifeMs?: () => number;
}

/** What routes get. */
export interface RouteParts extends AppParts {
  clock: () => number;
  drain: Drain;
  /** Shared by all routes. */
  reads: ConcurrencyLimit;
  streamLimits: StreamLimits;
}
