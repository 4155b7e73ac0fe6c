import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Choice, type DatesFault, daysOf, readDates } from '../choice.ts';
import { dateOfDay } from '../days.ts';

const CHOICES = [
  ['today', 'Today'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['month', 'This month'],
  ['custom', 'Custom'],
] as const;

interface Props {
  choice: Choice;
  timeZone: string;
  /** The server's day in the time zone; undefined until it is known. */
  today: number | undefined;
  onChoose(choice: Choice): void;
}

/** Named ranges, and two dates for any other. */
export function RangePicker({ choice, timeZone, today, onChoose }: Props) {
  const choose = (kind: Choice['kind']) => {
    if (kind !== 'custom') return onChoose({ kind });
    // Start with the days that are shown.
    if (today !== undefined) onChoose({ kind, ...daysOf(choice, today) });
  };
  return (
    <div class="picker">
      <fieldset class="segments">
        <legend class="unseen">Range</legend>
        {CHOICES.map(([kind, title]) => (
          <label key={kind}>
            <input
              type="radio"
              name="range"
              value={kind}
              checked={choice.kind === kind}
              // Dates need the server's day. A button that does nothing yet is disabled.
              disabled={kind === 'custom' && today === undefined}
              onChange={() => choose(kind)}
            />
            <span>{title}</span>
          </label>
        ))}
      </fieldset>
      {choice.kind === 'custom' && today !== undefined && (
        <Dates
          first={choice.first}
          last={choice.last}
          timeZone={timeZone}
          today={today}
          onChoose={onChoose}
        />
      )}
    </div>
  );
}

interface DatesProps {
  first: number;
  last: number;
  timeZone: string;
  today: number;
  onChoose(choice: Choice): void;
}

function Dates({ first, last, timeZone, today, onChoose }: DatesProps) {
  const start = useRef<HTMLInputElement>(null);
  const end = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState<DatesFault>();
  // Before anyone can type: later, it would take away what they typed.
  useLayoutEffect(() => {
    if (start.current) start.current.value = dateOfDay(first);
    if (end.current) end.current.value = dateOfDay(last);
  }, [first, last]);

  const read = () => {
    const dates = readDates(start.current?.value ?? '', end.current?.value ?? '', today, timeZone);
    if ('field' in dates) {
      setFault(dates);
      (dates.field === 'start' ? start : end).current?.focus();
    } else {
      setFault(undefined);
      onChoose(dates);
    }
  };
  const field = (name: 'start' | 'end', title: string, ref: typeof start) => (
    <div class="date">
      <label for={`range-${name}`}>{title}</label>
      <input
        ref={ref}
        id={`range-${name}`}
        type="date"
        min="2000-01-01"
        max={dateOfDay(today)}
        aria-invalid={fault?.field === name}
        aria-describedby={fault?.field === name ? 'range-fault' : undefined}
      />
    </div>
  );
  return (
    <form
      class="custom"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        read();
      }}
    >
      {field('start', 'First day', start)}
      {field('end', 'Last day', end)}
      <button type="submit">Show</button>
      {fault !== undefined && (
        <p class="fault" id="range-fault" role="alert">
          {fault.message}
        </p>
      )}
    </form>
  );
}
