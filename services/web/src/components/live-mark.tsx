import { secondOfDay } from '../days.ts';
import type { Live } from '../use-live.ts';
import { useNow } from '../use-now.ts';

/** Counting that is in order says so several times a second. */
const BEHIND_AFTER_MS = 15_000;

/** Whether figures come in by themselves, and up to when they are exact. */
export function LiveMark({ live: { link, asOf, asOfSinceMs } }: { live: Live }) {
  const nowMs = useNow(1_000);
  const time = asOf === undefined ? undefined : secondOfDay(Date.parse(asOf));
  if (link.state === 'connecting') {
    return (
      <p class="live" data-state="connecting">
        <strong>Connecting …</strong>
      </p>
    );
  }
  if (link.state === 'lost') {
    return (
      <p class="live" data-state="lost">
        <strong>{link.fault.kind === 'unreachable' ? 'Offline' : 'Not live'}</strong>
      </p>
    );
  }
  if (time === undefined) {
    return (
      <p class="live" data-state="live">
        <strong>Live</strong>
      </p>
    );
  }
  if (nowMs - asOfSinceMs > BEHIND_AFTER_MS) {
    return (
      <p class="live" data-state="behind">
        <strong>Counting is behind</strong> <span>since {time} UTC</span>
      </p>
    );
  }
  return (
    <p class="live" data-state="live">
      <strong>Live</strong> <span>exact as of {time} UTC</span>
    </p>
  );
}
