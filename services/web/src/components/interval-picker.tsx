interface Props {
  isByHour: boolean;
  onByHour(isByHour: boolean): void;
}

const INTERVALS = [
  [false, 'By day'],
  [true, 'By hour'],
] as const;

/** What a bar is, of a short range. */
export function IntervalPicker({ isByHour, onByHour }: Props) {
  return (
    <fieldset class="segments">
      <legend class="unseen">Bars</legend>
      {INTERVALS.map(([value, title]) => (
        <label key={title}>
          <input type="radio" name="interval" checked={isByHour === value} onChange={() => onByHour(value)} />
          <span>{title}</span>
        </label>
      ))}
    </fieldset>
  );
}
