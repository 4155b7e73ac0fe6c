import { unexpected } from './answers.ts';
import { Deadline } from './deadline.ts';
import { ApiError, type ClientError, isApiErrorCode, isClientError, TransportError } from './errors.ts';
import { Pause, pauseMsAfter } from './pauses.ts';
import { type ServerEvent, serverEvents } from './server-events.ts';
import type { Query, Transport } from './transport.ts';
import type { Dashboard } from './types.ts';

/** The API sends a heartbeat every 5 s. After this long without data the connection is dead. */
const SILENCE_MAX_MS = 15_000;
/** Until the API says otherwise. */
const RETRY_MS = 2_000;
/** A connection that held this long was a good one: what came before it does not slow down the next. */
const STEADY_MS = 5_000;

export type StreamEvent =
  /** The figures: at once, and whenever they change. */
  | { type: 'dashboard'; data: Dashboard }
  /** Every call that Kafka had acknowledged by `asOf` is in the figures. Undefined while unknown. About every 5 s. */
  | { type: 'heartbeat'; asOf: string | undefined }
  /** The connection was cut or refused. It is tried again in `retryInMs`. Whatever comes next means that it is back. */
  | { type: 'disconnected'; error: ClientError; retryInMs: number };

/** How a connection ended: cut or refused, or as the API asked for. */
type Ending = ClientError | 'reconnect';

interface StreamOptions {
  transport: Transport;
  query: Query;
  signal: AbortSignal | undefined;
  /** Whether a token that is no longer valid may be replaced. */
  canRenew: boolean;
  silenceMaxMs?: number;
}

/** The events of `GET /analytics/stream` over as many connections as it takes. */
export class DashboardStream implements AsyncIterable<StreamEvent> {
  readonly #options: StreamOptions;
  #pause = new Pause();
  #lastEventId = '';
  #retryMs = RETRY_MS;
  /** When the present connection was accepted, in the time of `performance.now`. */
  #openedMs = Number.POSITIVE_INFINITY;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  /** Ends the pause before the next connection: for a button, or when the browser is online again. */
  retryNow(): void {
    this.#pause.end();
  }

  /** Ends when the signal is aborted. @throws ClientError that a retry does not mend */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, undefined> {
    const { signal } = this.#options;
    for (let failures = 0; !signal?.aborted; ) {
      const ending = yield* this.#connection();
      if (signal?.aborted) return;
      if (performance.now() - this.#openedMs >= STEADY_MS) failures = 0;
      failures += 1;
      this.#pause = new Pause();
      if (ending === 'reconnect') {
        // At once, as the API asks; but a server that asks again and again is not asked ever faster.
        if (failures > 1) await this.#pause.wait(pauseMsAfter(failures - 1, this.#retryMs), signal);
        continue;
      }
      if (!ending.retryable) throw ending;
      const retryInMs = pauseMsAfter(failures, this.#retryMs, ending.retryAfterMs);
      yield { type: 'disconnected', error: ending, retryInMs };
      await this.#pause.wait(retryInMs, signal);
    }
  }

  /** The events of one connection. Never throws: an error is how it ended. */
  async *#connection(): AsyncGenerator<StreamEvent, Ending, undefined> {
    const { transport, query, signal, silenceMaxMs = SILENCE_MAX_MS } = this.#options;
    const deadline = new Deadline(silenceMaxMs, signal);
    const headers: Record<string, string> = { accept: 'text/event-stream' };
    if (this.#lastEventId !== '') headers['last-event-id'] = this.#lastEventId;
    this.#retryMs = RETRY_MS;
    this.#openedMs = Number.POSITIVE_INFINITY;
    try {
      const response = await transport.open('analytics/stream', query, headers, deadline);
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (!isStream || response.body === null) return unexpected(response);
      this.#openedMs = performance.now();
      for await (const event of serverEvents(response.body, deadline)) {
        if (signal?.aborted) return 'reconnect';
        if (event.type === 'retry') this.#retryMs = event.ms;
        else if (event.type === 'reconnect') return 'reconnect';
        else if (event.type === 'end') return this.#endingOf(event);
        else if (event.type === 'heartbeat') yield { type: 'heartbeat', asOf: event.asOf };
        else if (event.id !== this.#lastEventId) {
          this.#lastEventId = event.id;
          yield { type: 'dashboard', data: event.data };
        }
      }
      return new TransportError('NETWORK_ERROR', 'The API ended the connection.', true);
    } catch (thrown) {
      const error = deadline.errorOf(thrown);
      // Another error is the signal's reason, and after an abort the ending is not read.
      return isClientError(error) ? error : 'reconnect';
    } finally {
      deadline.end();
    }
  }

  /** An expired token is replaced on the next connection, which is refused if the new one is no better. */
  #endingOf({ code, message }: ServerEvent & { type: 'end' }): Ending {
    if (this.#options.canRenew) return 'reconnect';
    return new ApiError(isApiErrorCode(code) ? code : 'INVALID_API_KEY', message, { status: 401 });
  }
}
