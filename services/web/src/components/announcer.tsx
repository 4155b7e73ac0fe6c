import type { DashboardData } from '@calltally/domain';
import { useEffect, useState } from 'preact/hooks';
import { calls, minutes } from '../numbers.ts';
import type { Link } from '../use-live.ts';

interface Props {
  link: Link;
  data: DashboardData | undefined;
  query: string;
}

/** Tells a screen reader what changed by the person's doing or went wrong; not every call that comes in. */
export function Announcer({ link, data, query }: Props) {
  const [text, setText] = useState('');
  const isThere = data !== undefined;
  // Figures that only moved on are not read out.
  useEffect(() => {
    if (data === undefined) return;
    setText(`${calls(data.total_calls)}, ${minutes(data.total_duration_minutes)} in this range`);
  }, [isThere, query]);
  useEffect(() => {
    if (link.state === 'lost') setText('The connection is lost; figures are old');
    if (link.state === 'live')
      setText((last) => (last.startsWith('The connection') ? 'Connected again' : last));
  }, [link.state]);
  return (
    <p class="unseen" role="status">
      {text}
    </p>
  );
}
