import type { DashboardData } from '@calltally/domain';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { backoffMs, Fault, faultOf } from './api.ts';

/** The API sends a heartbeat every 5 s. After this long without data the connection is dead. */
const SILENCE_MAX_MS = 15_000;

export interface Listener {
  /** The figures, now and whenever they change. */
  dashboard(data: DashboardData): void;
  /** @param asOf every call acknowledged by then is counted; undefined while unknown */
  heartbeat(asOf: string | undefined): void;
  /** The connection was cut or refused. It is tried again at `againAtMs` (epoch ms). */
  lost(fault: Fault, againAtMs: number): void;
  /** The key is no longer valid. Nothing is tried again. */
  ended(message: string): void;
}

export interface Stream {
  /** Ends the pause before the next try, if any. */
  retry(): void;
  stop(): void;
}

/**
 * Listens to `GET /analytics/stream` until it is stopped or the key is no longer valid, and reconnects as needed. Uses
 * fetch, since EventSource cannot send Authorization.
 */
export function listen(
  url: string,
  key: string,
  listener: Listener,
  { silenceMaxMs = SILENCE_MAX_MS, pauseMs = backoffMs } = {},
): Stream {
  const stopping = new AbortController();
  let lastEventId = '';
  let failures = 0;
  let isToReconnect = false;
  let wake = () => {};

  const take = (event: EventSourceMessage) => {
    failures = 0;
    const data = JSON.parse(event.data);
    if (event.event === 'end') {
      stopping.abort();
      listener.ended(data.message);
    } else if (event.event === 'reconnect') {
      isToReconnect = true;
    } else if (event.event === 'heartbeat') {
      listener.heartbeat(data.as_of ?? undefined);
    } else if (event.event === 'dashboard') {
      lastEventId = event.id ?? '';
      listener.dashboard(data);
    }
  };

  /** Holds one connection. Its end is always a fault. */
  const connect = async (): Promise<Fault> => {
    const cutting = new AbortController();
    const cut = () => cutting.abort();
    stopping.signal.addEventListener('abort', cut, { once: true });
    let timer = setTimeout(cut, silenceMaxMs);
    try {
      const headers: Record<string, string> = { authorization: `Bearer ${key}`, accept: 'text/event-stream' };
      if (lastEventId !== '') headers['last-event-id'] = lastEventId;
      const response = await fetch(url, { headers, cache: 'no-store', signal: cutting.signal });
      if (!response.ok || response.body === null) return await faultOf(response);
      const parser = createParser({ onEvent: take });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return new Fault('unreachable', 'The server ended the connection.');
        clearTimeout(timer);
        timer = setTimeout(cut, silenceMaxMs);
        parser.feed(value);
      }
    } catch {
      return new Fault('unreachable', 'The server cannot be reached.');
    } finally {
      clearTimeout(timer);
      stopping.signal.removeEventListener('abort', cut);
      cut();
    }
  };

  const run = async () => {
    while (!stopping.signal.aborted) {
      isToReconnect = false;
      const fault = await connect();
      if (stopping.signal.aborted) return;
      if (isToReconnect) continue;
      if (fault.kind === 'refused') return listener.ended(fault.message);
      failures += 1;
      const waitMs = Math.max(fault.retryAfterMs, pauseMs(failures));
      listener.lost(fault, Date.now() + waitMs);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  void run();

  return {
    retry: () => wake(),
    stop() {
      stopping.abort();
      wake();
    },
  };
}
