import { useEffect, useState } from 'preact/hooks';
import { nameOfZone, ownZone, UTC, zonesByRegion } from '../zones.ts';

interface Props {
  timeZone: string;
  /** Whether the API refuses it. */
  isRefused: boolean;
  onChoose(timeZone: string): void;
}

/** The zone whose days and hours are shown: UTC, the browser's own, or any other. */
export function ZonePicker({ timeZone, isRefused, onChoose }: Props) {
  const own = ownZone();
  // Four hundred options can wait until the page is drawn.
  const [regions, setRegions] = useState<ReadonlyMap<string, readonly string[]>>(new Map());
  useEffect(() => setRegions(zonesByRegion()), []);

  const first = own === UTC ? [UTC] : [UTC, own];
  const listed = [...first, ...[...regions.values()].flat()];
  const chosen = listed.find((zone) => zone.toLowerCase() === timeZone.toLowerCase()) ?? timeZone;
  const option = (zone: string) => (
    <option key={zone} value={zone} selected={zone === chosen}>
      {nameOfZone(zone)}
      {zone === own && zone !== UTC && ' (this browser)'}
    </option>
  );
  return (
    <div class="zone">
      <label for="time-zone">Time zone</label>
      <select
        id="time-zone"
        aria-invalid={isRefused}
        aria-describedby={isRefused ? 'refused' : undefined}
        onChange={({ currentTarget }) => onChoose(currentTarget.value)}
      >
        {first.map(option)}
        {!listed.includes(chosen) && option(chosen)}
        {[...regions].map(([region, zones]) => (
          <optgroup key={region} label={region}>
            {zones.filter((zone) => !first.includes(zone)).map(option)}
          </optgroup>
        ))}
      </select>
    </div>
  );
}
