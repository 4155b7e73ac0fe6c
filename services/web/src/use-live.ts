import type { Client, ClientError, Dashboard, DashboardQuery, StreamEvent } from '@calltally/client';
import { dayOf } from '@calltally/domain';
import { useEffect, useRef, useState } from 'preact/hooks';
import { queryOf } from './choice.ts';
import { kindOf } from './faults.ts';
import { addressOfFilter, queryOfFilter } from './filters.ts';
import { useAwake } from './hooks.ts';
import type { View } from './view.ts';
import { addressOfZone, offsetAt, queryOfZone, readOffset } from './zones.ts';

/** After an error that the client does not retry, such as one of the server. */
const REOPEN_MS = 30_000;

export type Link =
  | { state: 'connecting' }
  | { state: 'live' }
  | { state: 'lost'; error: ClientError; againAtMs: number };

/** What the stream has sent. */
export interface Live {
  link: Link;
  /** Figures, and the names of the range, and of the filter and the time zone, that they are of. */
  figures: { range: string; filtered: string; data: Dashboard } | undefined;
  /** Increases with every update, so that dependent data is loaded again. */
  version: number;
  /** Every call acknowledged by then is counted. `asOfSinceMs` is when it last changed, by the browser's clock. */
  asOf: string | undefined;
  asOfSinceMs: number;
}

/** The server's clock, as it shows in a time zone. */
export interface ServerClock {
  timeZone: string;
  /** How far the server is ahead of the browser. */
  aheadMs: number;
  /** How far the zone is ahead of UTC. */
  offsetMs: number;
  /** Its day in the zone. */
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
 * Keeps the figures of a view up to date. The first stream asks for no range: its answer ends now, and so tells the server's
 * time, which ranges follow. When the server's day changes, the choice means other days and a new stream opens.
 */
export function useLive(
  client: Client,
  { choice, filter, timeZone }: View,
  onEnded: (message: string) => void,
) {
  const [live, setLive] = useState(NOTHING);
  const [known, setKnown] = useState<ServerClock>();
  const clock = inZone(known, timeZone);
  const [opening, setOpening] = useState(0);
  const retry = useRef(() => {});
  const query: DashboardQuery = {
    ...(clock !== undefined && queryOf(choice, clock.today)),
    ...queryOfFilter(filter),
    ...queryOfZone(timeZone),
  };
  const range = JSON.stringify(query);
  const filtered = addressOfZone(timeZone) + addressOfFilter(filter);
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
        if (query.end_date === undefined) {
          const now = data.date_range.end_date;
          setKnown(clockAt(Date.parse(now), timeZone, readOffset(now)));
        }
        setLive((last) => ({
          ...last,
          link: { state: 'live' },
          figures: { range, filtered, data },
          version: last.version + 1,
        }));
      } else {
        const { asOf } = event;
        setKnown((last) => moved(inZone(last, timeZone)));
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
        retry.current = reopen;
        if (kindOf(error) !== 'invalid') reopening = setTimeout(reopen, REOPEN_MS);
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

/** @param offsetMs of the zone, if this browser does not know it */
function clockAt(nowMs: number, timeZone: string, offsetMs: number): ServerClock {
  const ahead = offsetAt(nowMs, timeZone) ?? offsetMs;
  return { timeZone, aheadMs: nowMs - Date.now(), offsetMs: ahead, today: dayOf(nowMs + ahead) };
}

/** The clock as of now; the same one, to avoid a rendering, while it shows the same day and offset. */
function moved(last: ServerClock | undefined): ServerClock | undefined {
  if (last === undefined) return undefined;
  const next = clockAt(Date.now() + last.aheadMs, last.timeZone, last.offsetMs);
  return next.today === last.today && next.offsetMs === last.offsetMs ? last : next;
}

/** The clock in another zone; undefined if this browser does not know the zone, so that the next answer has to tell. */
function inZone(clock: ServerClock | undefined, timeZone: string): ServerClock | undefined {
  if (clock === undefined || clock.timeZone === timeZone) return clock;
  const nowMs = Date.now() + clock.aheadMs;
  const offsetMs = offsetAt(nowMs, timeZone);
  return offsetMs === undefined ? undefined : clockAt(nowMs, timeZone, offsetMs);
}
