import type { ServerResponse } from 'node:http';
import type { ErrorBody } from '../api-error.ts';
import type { Shown } from './figures.ts';
import { endEvent, heartbeatEvent, PREAMBLE, RECONNECT_EVENT } from './sse.ts';

/** Between two states of the figures, so that there are never more than four a second. */
const GAP_MS = 250;
const HEARTBEAT_MS = 5_000;
/** A client that takes nothing for so long is cut off. Heartbeats are written long before it passes. */
const STUCK_MS = 30_000;

/** Why a stream is over: its client went, its key is no longer valid, its client takes nothing, it is old, the process stops. */
export type EndReason = 'client' | 'key' | 'stuck' | 'age' | 'stopping';

export interface ListenerOptions {
  keyHash: string;
  /** Of the figures that the client has. */
  lastEventId: string | undefined;
  /** How long it goes on at most. */
  lifeMs: number;
  stuckMs?: number;
}

/**
 * One open stream. What has been written and not yet been taken is one event: until it is, nothing more is written, and
 * only the view's latest figures come after it.
 */
export class Listener {
  readonly keyHash: string;
  readonly #response: ServerResponse;
  readonly #view: Shown;
  #reason: EndReason = 'client';
  #isOver = false;
  #isWriting = false;
  #unsent = PREAMBLE;
  #sentId: string | undefined;
  /** As of when the figures that were sent hold. */
  #asOfMs: number | undefined;
  /** These in the time of `performance.now`. */
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #heartbeatAtMs = Number.NEGATIVE_INFINITY;
  readonly #endsAtMs: number;
  #gap: NodeJS.Timeout | undefined;

  /** @param response with its head already written */
  constructor(
    response: ServerResponse,
    view: Shown,
    { keyHash, lastEventId, lifeMs, stuckMs = STUCK_MS }: ListenerOptions,
  ) {
    this.#response = response;
    this.#view = view;
    this.keyHash = keyHash;
    this.#sentId = lastEventId;
    this.#endsAtMs = performance.now() + lifeMs;
    response.setTimeout(stuckMs, () => {
      this.#reason = 'stuck';
      this.#finish();
      response.destroy();
    });
    // What is written just as the client goes fails, and `close` says all there is to say.
    response.on('error', () => {});
    response.once('close', () => this.#finish());
  }

  get reason(): EndReason {
    return this.#reason;
  }

  /** Sends what is due: figures that the client does not have, and heartbeats. Ends a stream that has had its time. */
  send(): void {
    if (this.#isOver) return;
    const nowMs = performance.now();
    // Of a client that is gone or stopped without a word nothing is ever heard: its kernel, or ours, takes what is sent.
    if (nowMs >= this.#endsAtMs) this.#end('age', RECONNECT_EVENT);
    if (this.#isOver || this.#isWriting) return;
    const text = this.#unsent + this.#newFigures(nowMs) + this.#heartbeat(nowMs);
    this.#unsent = '';
    if (text !== '') this.#write(text);
  }

  /** Says why, and ends: the client is not to come again. */
  refuse(body: ErrorBody): void {
    this.#end('key', endEvent(body));
  }

  /** Ends without a word: the client is to come again. */
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
    // Behind what nobody takes, the end would be taken by nobody.
    if (this.#isWriting) this.#response.destroy();
    else this.#response.end(text);
    this.#finish();
  }

  #finish(): void {
    this.#isOver = true;
    clearTimeout(this.#gap);
  }
}
