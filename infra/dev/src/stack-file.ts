import { randomUUID } from 'node:crypto';
import { rename, rm, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** `.calltally/stack.json`: what runs, with addresses in the format of the services' variables. */
export interface StackDescription {
  api: string;
  ingest: string;
  intake: string;
  /** `KAFKA_BROKERS` */
  kafka: string;
  /** `KAFKA_TOPIC` */
  topic: string;
  /** `REDIS_URL` */
  redis: string;
  /** `MONGODB_URI`, with its database */
  mongo: string;
  /** Process ids. Null while a process is down, and for an external engine. */
  pids: Record<'api' | 'ingest' | 'intake' | 'kafka' | 'redis' | 'mongo', number | null>;
  /** Null without demo data. */
  demo: { user_id: string; api_key: string; write_key: string } | null;
  /** `HOOK_KEYS_FILE`. Null if `HOOK_KEYS` was set. */
  hook_keys_file: string | null;
  /** The process that keeps everything running. If it is gone, the file is out of date. */
  supervisor: number;
}

/** The same of `npm run cluster`. */
export interface ClusterDescription
  extends Pick<
    StackDescription,
    'api' | 'intake' | 'kafka' | 'topic' | 'mongo' | 'demo' | 'hook_keys_file' | 'supervisor'
  > {
  /** `REDIS_CLUSTER_NODES` */
  redis_cluster: string;
  /** Where each process listens, or null if clients do not connect to it. `api` is the balancer's address. */
  processes: Record<string, { address: string; pid: number | null }>;
}

const POLL_MS = 100;

/** Keeps the file up to date: polls the state and writes the file when it changes. */
export class StackFile {
  readonly #file: string;
  readonly #describe: () => StackDescription | ClusterDescription;
  readonly #stopping = new AbortController();
  #written = '';
  #running: Promise<void> = Promise.resolve();

  constructor(file: string, describe: () => StackDescription | ClusterDescription) {
    this.#file = file;
    this.#describe = describe;
  }

  /** Resolves when the file is written. */
  async start(): Promise<void> {
    await this.#write();
    this.#running = this.#watch();
  }

  /** Removes the file. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await rm(this.#file, { force: true });
  }

  async #watch(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(POLL_MS, undefined, { signal }).catch(() => {});
      // A full disk must not stop the services. The next poll tries again.
      if (!signal.aborted) await this.#write().catch(() => {});
    }
  }

  async #write(): Promise<void> {
    const text = `${JSON.stringify(this.#describe(), null, 2)}\n`;
    if (text === this.#written) return;
    await writePrivate(this.#file, text);
    this.#written = text;
  }
}

/**
 * What a newcomer needs next: the page, a request for figures and one that sends a call, to copy and paste. The demo key follows a `#`, so that the page
 * gets it, but no server or log does.
 */
export function announcement(
  { api, intake, demo }: Pick<StackDescription, 'api' | 'intake' | 'demo'>,
  logs = '.calltally/logs',
): string[] {
  // The range that the page shows first. In quotes, because `?` has a meaning in shells.
  const dashboard = `'${api}/analytics/dashboard?period=30d'`;
  const how =
    demo === null
      ? [
          '  Make a key:    npx calltally keys create --user me',
          `  Then:          curl -s -H 'Authorization: Bearer KEY' ${dashboard}`,
        ]
      : [
          `  Demo key:      ${demo.api_key}   (user ${demo.user_id})`,
          '',
          `  curl -s -H 'Authorization: Bearer ${demo.api_key}' ${dashboard}`,
          '',
          '  Send a call, and watch the page change:',
          '',
          `  ${sendingLine(intake, demo)}`,
        ];
  return [
    '',
    'calltally is running.',
    '',
    `  Dashboard:     ${api}/${demo === null ? '' : `#demo=${demo.api_key}`}`,
    `  API:           ${api}`,
    `  Intake:        ${intake}`,
    `  Documentation: ${api}/docs`,
    ...how,
    '',
    `  Addresses are in .calltally/stack.json, logs in ${logs}. Ctrl-C ends everything.`,
    '',
  ];
}

/** Sends a call that has just ended, another one each time it is pasted. */
function sendingLine(intake: string, { user_id, write_key }: NonNullable<StackDescription['demo']>): string {
  const event = `{"call_id":"mine-'$(date +%s)'","user_id":"${user_id}","started_at":"'$(date -u +%FT%TZ)'","duration_seconds":90}`;
  return `curl -s -H 'Authorization: Bearer ${write_key}' -H 'Content-Type: application/json' -d '${event}' ${intake}/calls`;
}

/** Writes a file that only its owner can read. A reader sees the whole old or new text. */
export async function writePrivate(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  try {
    await writeFile(draft, text, { mode: 0o600 });
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
}
