import type { ServerResponse } from 'node:http';
import type { ErrorBody } from '@calltally/http';
import { endEvent, type Figures, heartbeatEvent, PREAMBLE, RECONNECT_EVENT } from './sse.ts';

/** Between two states of the figures: at most four a second. */
const GAP_MS = 250;
const HEARTBEAT_MS = 5_000;
/** A client that reads nothing for this long is disconnected. Several heartbeats are due in that time. */
const STUCK_MS = 30_000;

/** Why a stream ended: client left, key no longer valid, client reads nothing, maximum age, process stopping. */
export type EndReason = 'client' | 'key' | 'stuck' | 'age' | 'stopping';

/** What a listener is to be shown now. */
export interface Shown {
  /** Undefined before the first read. */
  readonly figures: Figures | undefined;
  /** As-of of the figures, epoch ms; undefined while unknown. */
  readonly asOfMs: number | undefined;
}

export interface ListenerOptions {
  /** Id of the figures that the client has. */
  lastEventId: string | undefined;
  /** The stream's maximum age. */
  lifeMs: number;
  stuckMs?: number;
}

/**
 * One open stream. At most one write is buffered: while the client has not read it, nothing else is written, and then
 * only the view's latest figures.
 */
export class Listener {
  readonly #response: ServerResponse;
  readonly #view: Shown;
  #reason: EndReason = 'client';
  #isOver = false;
  #isWriting = false;
  #unsent = PREAMBLE;
  #sentId: string | undefined;
  /** As-of of the figures that were sent. */
  #asOfMs: number | undefined;
  // These three are in the time of `performance.now`.
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #heartbeatAtMs = Number.NEGATIVE_INFINITY;
  #endsAtMs: number;
  #endsBecause: 'age' | 'stopping' = 'age';
  #gap: NodeJS.Timeout | undefined;

  /** @param response with its head already written */
  constructor(
    response: ServerResponse,
    view: Shown,
    { lastEventId, lifeMs, stuckMs = STUCK_MS }: ListenerOptions,
  ) {
    this.#response = response;
    this.#view = view;
    this.#sentId = lastEventId;
    this.#endsAtMs = performance.now() + lifeMs;
    response.setTimeout(stuckMs, () => {
      this.#reason = 'stuck';
      this.#finish();
      response.destroy();
    });
    // A write that fails because the client left. `close` follows.
    response.on('error', () => {});
    response.once('close', () => this.#finish());
  }

  get reason(): EndReason {
    return this.#reason;
  }

  /** Sends what is due: new figures and heartbeats. Ends a stream at its maximum age, or when it is to move. */
  send(): void {
    if (this.#isOver) return;
    const nowMs = performance.now();
    // A client that vanished or froze may never be noticed: kernels go on accepting what is sent. Its age ends it.
    if (nowMs >= this.#endsAtMs) this.#end(this.#endsBecause, RECONNECT_EVENT);
    if (this.#isOver || this.#isWriting) return;
    const text = this.#unsent + this.#newFigures(nowMs) + this.#heartbeat(nowMs);
    this.#unsent = '';
    if (text !== '') this.#write(text);
  }

  /** Ends the stream and says why: the client is not to reconnect. */
  refuse(body: ErrorBody): void {
    this.#end('key', endEvent(body));
  }

  /** Ends the stream within `ms`, and asks the client to reconnect at once: by then, to another process. */
  moveWithin(ms: number): void {
    const endsAtMs = performance.now() + ms;
    if (endsAtMs >= this.#endsAtMs) return;
    this.#endsAtMs = endsAtMs;
    this.#endsBecause = 'stopping';
  }

  /** Ends the stream and asks the client to reconnect at once. */
  move(): void {
    this.#end('stopping', RECONNECT_EVENT);
  }

  /** Ends the stream without an event: the client is to reconnect. */
  stop(): void {
    this.#end('stopping', '');
  }

  #newFigures(nowMs: number): string {
    const { figures, asOfMs } = this.#view;
    if (figures === undefined) return '';
    const waitMs = this.#sentAtMs + GAP_MS - nowMs;
    const isNew = figures.id !== this.#sentId;
    if (isNew && waitMs > 0) {
      this.#gap ??= setTimeout(() => {
        this.#gap = undefined;
        this.send();
      }, Math.ceil(waitMs));
      return '';
    }
    this.#asOfMs = asOfMs;
    if (!isNew) return '';
    this.#sentId = figures.id;
    this.#sentAtMs = nowMs;
    return figures.event;
  }

  #heartbeat(nowMs: number): string {
    if (nowMs < this.#heartbeatAtMs) return '';
    this.#heartbeatAtMs = nowMs + HEARTBEAT_MS;
    return heartbeatEvent(this.#asOfMs);
  }

  #write(text: string): void {
    this.#isWriting = true;
    this.#response.write(text, (fault) => {
      this.#isWriting = false;
      if (!fault) this.send();
    });
  }

  #end(reason: EndReason, text: string): void {
    if (this.#isOver) return;
    this.#reason = reason;
    // A client that does not read would not read the end either.
    if (this.#isWriting) this.#response.destroy();
    else this.#response.end(text);
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#gap);
  }
}
