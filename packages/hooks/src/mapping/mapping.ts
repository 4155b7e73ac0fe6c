/** The fields of a call event that a mapping may give. */
export const MAPPED_FIELDS = [
  'call_id',
  'user_id',
  'started_at',
  'ended_at',
  'duration_seconds',
  'agent_id',
  'direction',
  'status',
  'revision',
  'deleted',
] as const;

export type MappedField = (typeof MAPPED_FIELDS)[number];

/**
 * How records of another system become call events. JSON, as Mongo keeps it with a hook; `compileMapping` checks it.
 */
export interface Mapping {
  /** For each field an expression (`parseExpression`): where its value is, and in which unit. */
  fields: Readonly<Partial<Record<MappedField, string>>>;
  /** What some values of a field mean. A list, because Mongo restricts the names of fields. */
  values?: readonly ValueMeaning[];
  /** The zone of times that name none: an IANA name such as `Europe/Berlin`, or an offset such as `+05:30`. */
  timeZone?: string;
}

/** A record's value `is` in `field` counts as the text `means`; as absent if that is empty. */
export interface ValueMeaning {
  field: MappedField;
  is: string;
  means: string;
}
