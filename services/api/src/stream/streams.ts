import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { readDigests } from '@calltally/counters';
import { DateRangeError } from '@calltally/domain';
import { type Credential, type HttpError, toLoggedError } from '@calltally/http';
import { asOfOf, LedgerError, type LiveCounters } from '@calltally/ledger';
import pLimit from 'p-limit';
import { ApiError } from '../api-error.ts';
import type { RouteParts } from '../parts.ts';
import { filterOf } from '../schemas/filter-parameters.ts';
import type { StreamQuery } from '../schemas/stream.ts';
import { ConnectionLimit } from './connection-limit.ts';
import { type EndReason, Listener } from './listener.ts';
import { View } from './view.ts';

/** Between the starts of two rounds that look for changes. */
const LOOK_MS = 250;
/** Least pause between two rounds, however long they take. */
const REST_MS = 50;
const QUICK_READS_MAX = 64;
const SLOW_READS_MAX = 8;
/** Bounds how long a vanished client keeps its place. Random, so that a user's pages do not all reconnect at once. */
const LIFE_MIN_MS = 600_000;
const LIFE_MAX_MS = 1_200_000;

type StreamsParts = Pick<
  RouteParts,
  'reader' | 'cells' | 'link' | 'clock' | 'logger' | 'drain' | 'streamLimits' | 'streamLifeMs'
>;

/** An authenticated request for a stream, with a valid range and filter. */
interface StreamRequest {
  userId: string;
  credential: Credential;
  query: StreamQuery;
  lastEventId: string | undefined;
  response: ServerResponse;
  /** Writes the head of the response; called once the first figures are read. */
  begin(): void;
  /** Called before the stream is ended with an error. */
  refused(error: HttpError): void;
}

/**
 * All open streams of this process. Each round asks Redis, in one command for hundreds of users, for digests of their
 * counters; only users whose digest changed are read. Without listeners nothing is asked.
 */
export class Streams {
  /** Ended streams by reason. */
  readonly ended: Record<EndReason, number> = { client: 0, key: 0, stuck: 0, age: 0, stopping: 0 };
  readonly #parts: StreamsParts;
  readonly #connections: ConnectionLimit;
  readonly #limits = { quick: pLimit(QUICK_READS_MAX), slow: pLimit(SLOW_READS_MAX) };
  /** By user and query. */
  readonly #views = new Map<string, Map<string, View>>();
  readonly #listeners = new Map<Listener, Pick<StreamRequest, 'credential' | 'refused'>>();
  readonly #stopping = new AbortController();
  /** Whether the streams of the beginning of the drain know when to move. */
  #isMoving = false;
  #looking: Promise<void> | undefined;

  constructor(parts: StreamsParts) {
    this.#parts = parts;
    this.#connections = new ConnectionLimit(parts.streamLimits);
  }

  /** Streams that are open or being opened. */
  get open(): number {
    return this.#connections.taken;
  }

  /**
   * Sends the present figures, and new ones whenever they change. Resolves when the stream has begun.
   * @throws ApiError TOO_MANY_STREAMS; BAD_REQUEST for a pipelined request
   * @throws LedgerError if the figures cannot be read. The response has not begun then.
   */
  async listen(request: StreamRequest): Promise<void> {
    const { userId, query, response } = request;
    this.#connections.take(userId);
    const view = this.#viewOf(userId, query);
    view.holders += 1;
    try {
      await view.refresh();
      // No `close` will follow from a response that is destroyed already.
      if (response.destroyed) throw new ApiError('UNAVAILABLE');
      // Nor from one that waits for an earlier response on its connection. Its place would never be free again.
      if (response.socket === null) {
        const message =
          'A stream needs a connection of its own. Do not request it while an earlier response is open.';
        throw new ApiError('BAD_REQUEST', { message });
      }
    } catch (thrown) {
      this.#leave(userId, query, view);
      throw thrown;
    }
    request.begin();
    const { streamLifeMs = randomLifeMs, drain } = this.#parts;
    const listener = new Listener(response, view, { ...request, lifeMs: streamLifeMs() });
    view.listeners.add(listener);
    this.#listeners.set(listener, request);
    response.once('close', () => {
      view.listeners.delete(listener);
      this.#listeners.delete(listener);
      this.#leave(userId, query, view);
      this.ended[listener.reason] += 1;
    });
    // Accepted all the same: an EventSource that is refused never tries again.
    if (this.#stopping.signal.aborted) return this.#end(listener);
    if (drain.hasBegun) listener.moveWithin(drain.moveWithinMs());
    listener.send();
    this.#looking ??= this.#lookOn();
  }

  /** Ends all streams. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    for (const listener of this.#listeners.keys()) this.#end(listener);
    await this.#looking;
  }

  /** Clients reconnect: to another process at once if there was time to drain, else to the next one soon. */
  #end(listener: Listener): void {
    if (this.#parts.drain.leadsElsewhere) listener.move();
    else listener.stop();
  }

  #viewOf(userId: string, query: StreamQuery): View {
    const views = this.#views.get(userId) ?? new Map<string, View>();
    this.#views.set(userId, views);
    const name = nameOf(query);
    const view =
      views.get(name) ?? new View({ ...this.#parts, ...this.#limits, failed: this.#failed }, userId, query);
    views.set(name, view);
    return view;
  }

  #leave(userId: string, query: StreamQuery, view: View): void {
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
      this.#moveWhenDraining();
      await this.#look();
      const restMs = Math.max(REST_MS, LOOK_MS - (performance.now() - begunMs));
      await sleep(restMs, undefined, { signal }).catch(() => {});
    }
    this.#looking = undefined;
  }

  #moveWhenDraining(): void {
    const { drain } = this.#parts;
    if (!drain.hasBegun || this.#isMoving) return;
    this.#isMoving = true;
    for (const listener of this.#listeners.keys()) listener.moveWithin(drain.moveWithinMs());
  }

  async #look(): Promise<void> {
    const { link, clock } = this.#parts;
    const live = link.current;
    const users = [...this.#views.keys()];
    // If the session has ended there are no digests. The views then read at the slow pace.
    const digests = live && (await digestsOf(live, users).catch(() => undefined));
    const nowMs = clock();
    for (const [i, userId] of users.entries()) {
      // A master of a cluster may be away, and nothing is known of its users.
      const asOfMs = live?.session.reaches(userId) ? asOfOf(live, userId) : undefined;
      for (const view of this.#views.get(userId)?.values() ?? []) {
        view.look(digests?.[i], nowMs, asOfMs);
      }
    }
    for (const [listener, { credential, refused }] of this.#listeners) {
      if (credential.stands(nowMs)) listener.send();
      else {
        const error = credential.refusal();
        refused(error);
        listener.refuse(error.body);
      }
    }
  }

  readonly #failed = (thrown: unknown): void => {
    // Others report that both stores are away. A clock set back before the start of a range is no error.
    if (thrown instanceof LedgerError || thrown instanceof DateRangeError) return;
    this.#parts.logger.error(
      { fault: toLoggedError(thrown) },
      'cannot read the figures of a stream, retrying',
    );
  };
}

/** What is read afterwards is no older than the digests, even if it is remembered. */
async function digestsOf({ session, generations }: LiveCounters, users: readonly string[]) {
  const digests = await readDigests(session, generations, users);
  await session.confirm();
  return digests;
}

function randomLifeMs(): number {
  return LIFE_MIN_MS + Math.random() * (LIFE_MAX_MS - LIFE_MIN_MS);
}

function nameOf(query: StreamQuery): string {
  return JSON.stringify([query.start_date, query.end_date, query.period, query.time_zone, filterOf(query)]);
}
