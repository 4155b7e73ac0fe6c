import { type DashboardData, dayOf } from '@calltally/domain';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Fault } from './api.ts';
import { type Choice, queryOf } from './choice.ts';
import { useAwake } from './hooks.ts';
import { listen, type Stream } from './stream.ts';

export type Link =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'lost'; fault: Fault; againAtMs: number };

/** What the stream has sent. */
export interface Live {
  link: Link;
  /** Figures, and the query that they answer. */
  figures: { query: string; data: DashboardData } | undefined;
  /** Increases with every update, so that dependent data is loaded again. */
  version: number;
  /** Every call acknowledged by then is counted. `asOfSinceMs` is when it last changed, by the browser's clock. */
  asOf: string | undefined;
  asOfSinceMs: number;
}

/** How far the server's clock is ahead of the browser's, and its UTC day. */
interface ServerClock {
  aheadMs: number;
  today: number;
}

const NOTHING: Live = {
  link: { state: 'connecting' },
  figures: undefined,
  version: 0,
  asOf: undefined,
  asOfSinceMs: 0,
};

/**
 * Keeps the figures of a choice up to date. The first stream asks for no range: its answer ends now, and so tells the
 * server's time, which ranges follow. When the server's day changes, the choice means other days and a new stream opens.
 */
export function useLive(key: string, choice: Choice, onEnded: (message: string) => void) {
  const [live, setLive] = useState(NOTHING);
  const [clock, setClock] = useState<ServerClock>();
  const stream = useRef<Stream>(undefined);
  const query = clock === undefined ? '' : queryOf(choice, clock.today);

  const isAwake = useAwake();

  useEffect(() => {
    if (!isAwake) return;
    const endsNow = !query.includes('end_date');
    const opened = listen(`/analytics/stream?${query}`, key, {
      dashboard(data) {
        if (endsNow) setClock(clockAt(Date.parse(data.date_range.end_date)));
        setLive((last) => ({
          ...last,
          link: { state: 'live' },
          figures: { query, data },
          version: last.version + 1,
        }));
      },
      heartbeat(asOf) {
        setClock((last) => last && clockAt(Date.now() + last.aheadMs, last));
        setLive((last) => ({
          ...last,
          link: { state: 'live' },
          asOf,
          asOfSinceMs: asOf === last.asOf ? last.asOfSinceMs : Date.now(),
        }));
      },
      lost: (fault, againAtMs) => setLive((last) => ({ ...last, link: { state: 'lost', fault, againAtMs } })),
      ended: onEnded,
    });
    stream.current = opened;
    const retry = () => opened.retry();
    addEventListener('online', retry);
    return () => {
      removeEventListener('online', retry);
      opened.stop();
      setLive((last) => ({ ...last, link: { state: 'connecting' } }));
    };
  }, [key, query, onEnded, isAwake]);

  return { live, clock, query, retry: () => stream.current?.retry() };
}

/** @param last the previous clock; returned unchanged, to avoid a rendering, while the day is the same */
function clockAt(nowMs: number, last?: ServerClock): ServerClock {
  const today = dayOf(nowMs);
  return last?.today === today ? last : { aheadMs: nowMs - Date.now(), today };
}
