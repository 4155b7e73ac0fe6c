import { setTimeout as sleep } from 'node:timers/promises';
import { meaningOf } from '@calltally/store';

interface Watched {
  /** Ingest's address, such as `http://127.0.0.1:3001`. */
  address: string;
  logFile: string;
  say(line: string): void;
}

/** The state that ingest reports. */
export interface Told {
  joined: boolean;
  counting: boolean;
  /** Held partitions, with the code of the reason. */
  held: readonly { partition: number; code: string }[];
  /** How often it has failed, by code. */
  failures: ReadonlyMap<string, number>;
  /** Partitions that are not read because their topic was recreated. */
  refused: readonly number[];
}

const POLL_MS = 2_000;
const REQUEST_TIMEOUT_MS = 2_000;
/** A rebalance or a store that is down for a moment is not worth a line. */
const LOOKS_ALIKE = 3;

/** Conflicts with other processes. They are retried at once, so they are no trouble. */
const PASSING = /_(CONFLICT|CONTENDED|GENERATION)$/;
const CODE = /^[A-Z_]+$/;
const NOT_JOINED =
  'Kafka has not let ingest into its group; see that it runs, and that KAFKA_BROKERS names it';

const KNOWN: Record<string, string> = {
  COUNTERS_LOST: 'Redis cannot be reached; see that it runs, and that REDIS_URL names it',
  COUNTERS_CREDENTIALS: 'Redis refused the user or the password; correct REDIS_URL or REDIS_PASSWORD',
  COUNTERS_TLS: 'cannot make a TLS connection to Redis; see REDIS_URL and REDIS_TLS_CA_FILE',
  COUNTERS_EVICTING:
    'Redis may evict keys, so a missing count would lie; set its maxmemory-policy to noeviction',
  COUNTERS_TOO_OLD: 'Redis is too old; use Redis 7 or newer, or Valkey',
  TOPIC_MADE_ANEW: 'the topic was recreated; `npx calltally replay --new-stream` begins to count it',
  KAFKA_TRANSACTION_OPEN: 'a transaction of a producer is open; it ends with its producer',
  INGEST_STORES_SLOW: 'Mongo or Redis has been working on a batch for a while; check what slows it down',
  INGEST_DEAD_LETTERS_UNAVAILABLE: 'dead letters cannot be written; check why Kafka does not accept them',
};

/** Prints once when ingest cannot count, with the reason, and once when it counts again. */
export function watchCounting({ address, logFile, say }: Watched): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const { signal } = stopping;
  const watch = async () => {
    const teller = new Teller(logFile, say);
    while (!signal.aborted) {
      teller.take(await ask(address));
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
    }
  };
  const watching = watch();
  return {
    stop() {
      stopping.abort();
      return watching;
    },
  };
}

interface Trouble {
  what: string;
  /** Codes of the reasons. */
  why: string[];
  /** Printed if nothing has failed since the last poll. Not printed before ingest has counted for the first time. */
  otherwise?: string;
}

/** Decides what to print. */
export class Teller {
  readonly #logFile: string;
  readonly #say: (line: string) => void;
  #failures: ReadonlyMap<string, number> | undefined;
  /** How many polls in a row gave the same result, trouble or none. */
  #looks = 0;
  #isTrouble = false;
  #hasCounted = false;
  /** The reasons that were printed for the current trouble. */
  readonly #told = new Set<string>();

  constructor(logFile: string, say: (line: string) => void) {
    this.#logFile = logFile;
    this.#say = say;
  }

  /** @param told undefined if ingest does not answer */
  take(told: Told | undefined): void {
    const trouble = troubleOf(told, this.#failingSince(told));
    const isTrouble = trouble !== undefined;
    this.#looks = isTrouble === this.#isTrouble ? this.#looks + 1 : 1;
    this.#isTrouble = isTrouble;
    this.#hasCounted ||= !isTrouble;
    if (this.#looks < LOOKS_ALIKE) return;
    if (trouble === undefined) {
      if (this.#told.size > 0) this.#say('counting goes on');
      this.#told.clear();
      return;
    }
    const { what, why, otherwise } = trouble;
    // While a store is down, polls show changing codes, and sometimes none.
    const news = why.filter((code) => !this.#told.has(code));
    const isSilent = why.length === 0 && this.#told.size === 0;
    if (isSilent && otherwise !== undefined && this.#hasCounted) news.push(otherwise);
    if (news.length === 0) return;
    for (const reason of news) this.#told.add(reason);
    this.#say(`${what}: ${news.map(reasonOf).join('; ')} (log: ${this.#logFile})`);
  }

  /** Codes of the failures since the last poll. */
  #failingSince(told: Told | undefined): string[] {
    const before = this.#failures;
    this.#failures = told?.failures;
    if (told === undefined || before === undefined) return [];
    return [...told.failures]
      .filter(([code, times]) => times > (before.get(code) ?? 0) && !PASSING.test(code))
      .map(([code]) => code);
  }
}

function troubleOf(told: Told | undefined, failing: string[]): Trouble | undefined {
  const still = (otherwise: string) => ({ what: 'counting stands still', why: failing, otherwise });
  if (told === undefined) return still('ingest does not answer');
  if (!told.joined) return still(NOT_JOINED);
  if (!told.counting) return still('ingest has not begun to count');
  if (told.held.length > 0) {
    const why = [...new Set(told.held.map(({ code }) => code))];
    return { what: `${named(told.held.map(({ partition }) => partition))} not counted`, why };
  }
  if (told.refused.length > 0)
    return { what: `${named(told.refused)} not counted`, why: ['TOPIC_MADE_ANEW'] };
  return failing.length > 0 ? { what: 'some events are not counted yet', why: failing } : undefined;
}

function reasonOf(code: string): string {
  const meaning = meaningOf(code) ?? KNOWN[code];
  if (meaning !== undefined) return `${meaning} (${code})`;
  return CODE.test(code) ? `${code}, see docs/operations.md` : code;
}

function named(partitions: readonly number[]): string {
  const numbers = [...new Set(partitions)].sort((a, b) => a - b);
  return numbers.length === 1 ? `partition ${numbers[0]} is` : `partitions ${numbers.join(', ')} are`;
}

async function ask(address: string): Promise<Told | undefined> {
  try {
    const get = (path: string) =>
      fetch(`${address}${path}`, { signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS) });
    const [ready, page] = await Promise.all([get('/readyz'), get('/metrics')]);
    const { joined, counting, held } = (await ready.json()) as Partial<Told>;
    const metrics = await page.text();
    return {
      joined: joined === true,
      counting: counting === true,
      held: held ?? [],
      failures: samplesOf(metrics, 'calltally_store_failures_total', 'code'),
      refused: [...samplesOf(metrics, 'calltally_partition_refused', 'partition')]
        .filter(([, value]) => value > 0)
        .map(([partition]) => Number(partition)),
    };
  } catch {
    return undefined;
  }
}

/** Reads a metric's samples from Prometheus' text format, by the value of one label. */
function samplesOf(metrics: string, name: string, label: string): Map<string, number> {
  const samples = metrics.matchAll(new RegExp(`^${name}\\{[^}]*\\b${label}="([^"]*)"[^}]*\\} (\\S+)$`, 'gm'));
  return new Map([...samples].map(([, value, number]) => [value!, Number(number)]));
}
