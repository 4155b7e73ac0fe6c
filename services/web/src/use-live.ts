import type { Client, ClientError, Dashboard, DashboardQuery, StreamEvent } from '@calltally/client';
import { type CellFilter, dayOf } from '@calltally/domain';
import { useEffect, useRef, useState } from 'preact/hooks';
import { type Choice, queryOf } from './choice.ts';
import { kindOf } from './faults.ts';
import { addressOfFilter, queryOfFilter } from './filters.ts';
import { useAwake } from './hooks.ts';

/** After an error that the client does not retry, such as one of the server. */
const REOPEN_MS = 30_000;

export type Link =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'lost'; error: ClientError; againAtMs: number };

/** What the stream has sent. */
export interface Live {
  link: Link;
  /** Figures, and the names of the range and of the filter that they are of. */
  figures: { range: string; filtered: string; data: Dashboard } | undefined;
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
 * Keeps the figures of a choice and a filter up to date. The first stream asks for no range: its answer ends now, and so tells the
 * server's time, which ranges follow. When the server's day changes, the choice means other days and a new stream opens.
 */
export function useLive(
  client: Client,
  choice: Choice,
  filter: CellFilter,
  onEnded: (message: string) => void,
) {
  const [live, setLive] = useState(NOTHING);
  const [clock, setClock] = useState<ServerClock>();
  const [opening, setOpening] = useState(0);
  const retry = useRef(() => {});
  const query: DashboardQuery = {
    ...(clock !== undefined && queryOf(choice, clock.today)),
    ...queryOfFilter(filter),
  };
  const range = JSON.stringify(query);
  const filtered = addressOfFilter(filter);
  const isAwake = useAwake();

  useEffect(() => {
    if (!isAwake) return;
    const leaving = new AbortController();
    const stream = client.stream(query, { signal: leaving.signal });
    let reopening: ReturnType<typeof setTimeout>;

    const lost = (error: ClientError, againInMs: number) => {
      const link: Link = { state: 'lost', error, againAtMs: Date.now() + againInMs };
      setLive((last) => ({ ...last, link }));
    };
    const take = (event: StreamEvent) => {
      if (event.type === 'disconnected') lost(event.error, event.retryInMs);
      else if (event.type === 'dashboard') {
        const { data } = event;
        if (query.end_date === undefined) setClock(clockAt(Date.parse(data.date_range.end_date)));
        setLive((last) => ({
          ...last,
          link: { state: 'live' },
          figures: { range, filtered, data },
          version: last.version + 1,
        }));
      } else {
        const { asOf } = event;
        setClock((last) => last && clockAt(Date.now() + last.aheadMs, last));
        setLive((last) => ({
          ...last,
          link: { state: 'live' },
          asOf,
          asOfSinceMs: asOf === last.asOf ? last.asOfSinceMs : Date.now(),
        }));
      }
    };
    const follow = async () => {
      try {
        for await (const event of stream) if (!leaving.signal.aborted) take(event);
      } catch (thrown) {
        const error = thrown as ClientError;
        if (kindOf(error) === 'refused') return onEnded(error.message);
        lost(error, REOPEN_MS);
        const reopen = () => setOpening((count) => count + 1);
        reopening = setTimeout(reopen, REOPEN_MS);
        retry.current = reopen;
      }
    };

    retry.current = () => stream.retryNow();
    const online = () => retry.current();
    addEventListener('online', online);
    void follow();
    return () => {
      removeEventListener('online', online);
      clearTimeout(reopening);
      leaving.abort();
      setLive((last) => ({ ...last, link: { state: 'connecting' } }));
    };
  }, [client, range, onEnded, isAwake, opening]);

  return { live, clock, range, filtered, retry: () => retry.current() };
}

/** @param last the previous clock; returned unchanged, to avoid a rendering, while the day is the same */
function clockAt(nowMs: number, last?: ServerClock): ServerClock {
  const today = dayOf(nowMs);
  return last?.today === today ? last : { aheadMs: nowMs - Date.now(), today };
}
