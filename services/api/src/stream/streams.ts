import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readDigests } from '@calltally/counters';
import { DateRangeError } from '@calltally/domain';
import { type CountersLink, type DashboardReader, LedgerError } from '@calltally/ledger';
import type { Logger } from '@calltally/telemetry';
import { ApiError, unavailable } from '../api-error.ts';
import type { ApiKeyCache } from '../keys/api-key-cache.ts';
import { invalidApiKey } from '../keys/bearer.ts';
import { toLoggedError } from '../logged-error.ts';
import type { DashboardQuery } from '../schemas/dashboard.ts';
import { ConnectionLimit, type StreamLimits } from './connection-limit.ts';
import { type EndReason, Listener } from './listener.ts';
import { Semaphore } from './semaphore.ts';
import { View } from './view.ts';

/** Between the beginnings of two looks at whether anything changed. */
const LOOK_MS = 250;
/** Rest between two looks, however long they take. */
const REST_MS = 50;
const QUICK_READS_MAX = 64;
const SLOW_READS_MAX = 8;
/** A seat that nobody sits in any more is free again within this; and the pages of a user do not all come again at once. */
const LIFE_MIN_MS = 600_000;
const LIFE_MAX_MS = 1_200_000;

export interface StreamsParts {
  reader: Pick<DashboardReader, 'read'>;
  link: Pick<CountersLink, 'current'>;
  keys: Pick<ApiKeyCache, 'stands'>;
  /** Epoch milliseconds. */
  clock: () => number;
  logger: Logger;
  limits: StreamLimits;
  /** How long the next stream may go on; some minutes, drawn at random, unless given. */
  lifeMs?: () => number;
}

/** A request for a stream that is authenticated and whose dates can be used. */
export interface StreamRequest {
  userId: string;
  keyHash: string;
  query: DashboardQuery;
  lastEventId: string | undefined;
  response: ServerResponse;
  /** Called when the first figures are there: writes the head of the response. */
  begin(): void;
  /** Called before the stream is ended with an error. */
  refused(error: ApiError): void;
}

/**
 * All open streams of this process. One look a moment asks Redis, in one command for hundreds of users, whose counters
 * have changed; only theirs are read. While nobody listens nothing is asked.
 */
export class Streams {
  /** How streams ended. */
  readonly ended: Record<EndReason, number> = { client: 0, key: 0, stuck: 0, age: 0, stopping: 0 };
  readonly #parts: StreamsParts;
  readonly #connections: ConnectionLimit;
  readonly #semaphores = { quick: new Semaphore(QUICK_READS_MAX), slow: new Semaphore(SLOW_READS_MAX) };
  /** By user and query. */
  readonly #views = new Map<string, Map<string, View>>();
  readonly #listeners = new Map<Listener, (error: ApiError) => void>();
  readonly #stopping = new AbortController();
  #looking: Promise<void> | undefined;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#connections = new ConnectionLimit(parts.limits);
  }

  /** Streams that are open or being opened. */
  get open(): number {
    return this.#connections.taken;
  }

  /**
   * Sends the figures as they are now, and again whenever they change. Resolves when the stream has begun.
   * @throws ApiError TOO_MANY_STREAMS, UNAVAILABLE while the process stops, or BAD_REQUEST behind another answer
   * @throws LedgerError when the figures cannot be read; then the response has not begun
   */
  async listen(request: StreamRequest): Promise<void> {
    const { userId, query, response } = request;
    if (this.#stopping.signal.aborted) throw unavailable('stopping');
    this.#connections.take(userId);
    const view = this.#viewOf(userId, query);
    view.holders += 1;
    try {
      await view.refresh();
      // Whoever has gone meanwhile will not be heard of again.
      if (response.destroyed || this.#stopping.signal.aborted) throw unavailable('gone or stopping');
      // Nor would one be that waits behind an answer which goes on: it is told of no end, and its seat stayed taken.
      if (response.socket === null) throw notAlone();
    } catch (thrown) {
      this.#leave(userId, query, view);
      throw thrown;
    }
    request.begin();
    const { lifeMs = randomLifeMs } = this.#parts;
    const listener = new Listener(response, view, { ...request, lifeMs: lifeMs() });
    view.listeners.add(listener);
    this.#listeners.set(listener, request.refused);
    response.once('close', () => {
      view.listeners.delete(listener);
      this.#listeners.delete(listener);
      this.#leave(userId, query, view);
      this.ended[listener.reason] += 1;
    });
    listener.send();
    this.#looking ??= this.#lookOn();
  }

  /** Ends all streams; their clients will come again, to whoever is there then. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const listener of this.#listeners.keys()) listener.stop();
    await this.#looking;
  }

  #viewOf(userId: string, query: DashboardQuery): View {
    const views = this.#views.get(userId) ?? new Map<string, View>();
    this.#views.set(userId, views);
    const name = nameOf(query);
    const view =
      views.get(name) ??
      new View({ ...this.#parts, ...this.#semaphores, failed: this.#failed }, userId, query);
    views.set(name, view);
    return view;
  }

  #leave(userId: string, query: DashboardQuery, view: View): void {
    this.#connections.leave(userId);
    view.holders -= 1;
    if (view.holders > 0) return;
    const views = this.#views.get(userId);
    views?.delete(nameOf(query));
    if (views?.size === 0) this.#views.delete(userId);
  }

  async #lookOn(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#listeners.size > 0 && !signal.aborted) {
      const begunMs = performance.now();
      await this.#look();
      const restMs = Math.max(REST_MS, LOOK_MS - (performance.now() - begunMs));
      await sleep(restMs, undefined, { signal }).catch(() => {});
    }
    this.#looking = undefined;
  }

  async #look(): Promise<void> {
    const { link, keys, clock } = this.#parts;
    const live = link.current;
    const users = [...this.#views.keys()];
    // When the session is over there is no version to be had, and the views know what to do then.
    const versions =
      live && (await readDigests(live.session, live.generations, users).catch(() => undefined));
    const nowMs = clock();
    for (const [i, userId] of users.entries()) {
      for (const view of this.#views.get(userId)?.values() ?? [])
        view.look(versions?.[i], nowMs, live?.asOfMs);
    }
    for (const [listener, refused] of this.#listeners) {
      if (keys.stands(listener.keyHash, nowMs)) listener.send();
      else {
        const error = invalidApiKey();
        refused(error);
        listener.refuse(error.body);
      }
    }
  }

  readonly #failed = (thrown: unknown): void => {
    // That both stores are away is said by others, and that a clock went back behind a start is no fault.
    if (thrown instanceof LedgerError || thrown instanceof DateRangeError) return;
    this.#parts.logger.error({ fault: toLoggedError(thrown) }, 'a stream cannot read its figures');
  };
}

function randomLifeMs(): number {
  return LIFE_MIN_MS + Math.random() * (LIFE_MAX_MS - LIFE_MIN_MS);
}

function nameOf({ start_date, end_date }: DashboardQuery): string {
  return JSON.stringify([start_date, end_date]);
}

function notAlone(): ApiError {
  return new ApiError(
    'BAD_REQUEST',
    'A stream takes a connection of its own: do not ask behind another answer.',
  );
}
