import { secondOfDay } from '../days.ts';
import type { Fault } from '../fault.ts';
import type { Link } from '../use-live.ts';
import { useNow } from '../use-now.ts';

interface Props {
  link: Extract<Link, { state: 'lost' }>;
  asOf: string | undefined;
  onRetry(): void;
}

const WHAT: Readonly<Record<Fault['kind'], string>> = {
  unreachable: 'The server cannot be reached.',
  unavailable: 'calltally cannot read its figures just now.',
  limited: 'This user has made too many requests.',
  failed: 'calltally had a fault.',
  refused: 'The key is refused.',
};

/** Why nothing new comes in, what that means for what is shown, and what happens next. */
export function Banner({ link: { fault, againAtMs }, asOf, onRetry }: Props) {
  const seconds = Math.ceil((againAtMs - useNow(500)) / 1000);
  return (
    <div class="banner" data-kind={fault.kind}>
      <p>
        <strong>{WHAT[fault.kind]}</strong>{' '}
        {asOf !== undefined && `What you see is as of ${secondOfDay(Date.parse(asOf))} UTC. `}
        {fault.kind === 'failed' && `${fault.message} `}
        {fault.requestId !== undefined &&
          fault.kind === 'failed' &&
          `Its log calls this ${fault.requestId}. `}
        <span class="again">{seconds > 0 ? `Trying again in ${seconds} s.` : 'Trying again …'}</span>
      </p>
      <button type="button" onClick={onRetry}>
        Try now
      </button>
    </div>
  );
}
