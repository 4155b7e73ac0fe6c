import type { Dashboard } from '@calltally/client';
import { useEffect, useState } from 'preact/hooks';
import { secondOfDay } from '../days.ts';
import { type FaultKind, kindOf } from '../faults.ts';
import { useNow } from '../hooks.ts';
import { calls, minutes } from '../numbers.ts';
import type { Link, Live } from '../use-live.ts';
import { nameOfOffset } from '../zones.ts';

/** As-of normally moves several times a second. */
const BEHIND_AFTER_MS = 15_000;

const REASONS: Readonly<Record<FaultKind, string>> = {
  unreachable: 'The server cannot be reached.',
  unavailable: 'calltally cannot read its figures just now.',
  limited: 'This user has made too many requests.',
  failed: 'calltally had an error.',
  invalid: 'This cannot be shown.',
  refused: 'The key is refused.',
};

/** Whether figures are live, and as of when they are exact. @param offsetMs how far the time zone is ahead of UTC */
export function LiveMark({ live, offsetMs }: { live: Live; offsetMs: number }) {
  const { state, head, rest } = markOf(live, offsetMs, useNow(1_000));
  return (
    <p class="live" data-state={state}>
      <strong>{head}</strong>
      {rest !== undefined && <span> {rest}</span>}
    </p>
  );
}

function markOf({ link, asOf, asOfSinceMs }: Live, offsetMs: number, nowMs: number) {
  const { state } = link;
  if (state === 'connecting') return { state, head: 'Connecting …' };
  if (state === 'lost') return { state, head: kindOf(link.error) === 'unreachable' ? 'Offline' : 'Not live' };
  if (asOf === undefined) return { state, head: 'Live' };
  const time = timeOf(asOf, offsetMs);
  if (nowMs - asOfSinceMs > BEHIND_AFTER_MS) {
    return { state: 'behind', head: 'Counting is behind', rest: `since ${time}` };
  }
  return { state, head: 'Live', rest: `exact as of ${time}` };
}

/** `13:03:04 UTC+1` */
function timeOf(asOf: string, offsetMs: number): string {
  return `${secondOfDay(Date.parse(asOf) + offsetMs)} ${nameOfOffset(offsetMs)}`;
}

interface BannerProps {
  link: Extract<Link, { state: 'lost' }>;
  asOf: string | undefined;
  offsetMs: number;
  onRetry(): void;
}

/** Why the page is not live, how old its figures are, and when it tries again. */
export function Banner({ link: { error, againAtMs }, asOf, offsetMs, onRetry }: BannerProps) {
  const kind = kindOf(error);
  const seconds = Math.ceil((againAtMs - useNow(500)) / 1000);
  if (kind === 'invalid') {
    return (
      <div class="banner" data-kind={kind}>
        <p id="refused">
          <strong>{REASONS[kind]}</strong> {error.message} Choose another time zone.
        </p>
      </div>
    );
  }
  return (
    <div class="banner" data-kind={kind}>
      <p>
        <strong>{REASONS[kind]}</strong>{' '}
        {asOf !== undefined && `What you see is as of ${timeOf(asOf, offsetMs)}. `}
        {kind === 'failed' && `${error.message} `}
        {error.requestId !== undefined && kind === 'failed' && `Request id: ${error.requestId}. `}
        <span class="again">{seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again …'}</span>
      </p>
      <button type="button" onClick={onRetry}>
        Try now
      </button>
    </div>
  );
}

interface AnnouncerProps {
  link: Link;
  data: Dashboard | undefined;
  /** Names the range that the figures are of. */
  range: string;
}

/** Tells screen readers what the person changed and what went wrong, but not every new call. */
export function Announcer({ link, data, range }: AnnouncerProps) {
  const [text, setText] = useState('');
  const isThere = data !== undefined;
  // Only for another range: new figures of the same range are not read out.
  useEffect(() => {
    if (data === undefined) return;
    setText(`${calls(data.total_calls)}, ${minutes(data.total_duration_minutes)} in this range`);
  }, [isThere, range]);
  useEffect(() => {
    if (link.state === 'lost') {
      const isRefused = kindOf(link.error) === 'invalid';
      setText(isRefused ? link.error.message : 'The connection is lost; figures are old');
    }
    if (link.state === 'live')
      setText((last) => (last.startsWith('The connection') ? 'Connected again' : last));
  }, [link.state]);
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}
