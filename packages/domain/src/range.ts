/** Half-open `[from, until)`, epoch milliseconds. */
export interface Range {
  from: number;
  until: number;
}

/** A range and its dates as shown. Sent back as parameters, they give the same range (`parseDateRange`). */
export interface EffectiveRange extends Range {
  startDate: string;
  endDate: string;
  /** That of `time_zone`, if it was given. Default: UTC. */
  timeZone?: string;
}

/** Days of the default window: the day of the range's end and the 30 days before it. */
export const defaultWindowDays = 31;
