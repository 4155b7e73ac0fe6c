/** Half-open `[from, until)`, epoch milliseconds. */
export interface Range {
  from: number;
  until: number;
}

/** A range and how it is shown: sent back, the shown dates give the same range (`parseDateRange`). */
export interface EffectiveRange extends Range {
  startDate: string;
  endDate: string;
}
