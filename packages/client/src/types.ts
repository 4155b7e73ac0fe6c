import type { operations } from './openapi.ts';

type Operation = keyof operations;
type Json<Name extends Operation, Status extends number> = operations[Name] extends {
  responses: { [status in Status]: { content: { 'application/json': infer Body } } };
}
  ? Body
  : never;

/** Parameters of an operation. Those that are undefined are not sent, and of a list each value is. */
type Query<Name extends Operation> = {
  [Key in keyof NonNullable<operations[Name]['parameters']['query']>]:
    | Listed<NonNullable<operations[Name]['parameters']['query']>[Key]>
    | undefined;
};
type Listed<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** A range, by its dates or a period, whose figures to read, and which calls count: an empty list filters nothing. */
export type RangeQuery = Query<'streamDashboard'>;
/** The same, and whether to answer for the range before, too. */
export type DashboardQuery = Query<'getDashboard'>;
/** The same, and the interval of the buckets. */
export type TimeseriesQuery = Omit<Query<'getTimeseries'>, 'format' | 'separator' | 'decimal'>;
/** The same without the range before, and how the CSV is written. */
export type CsvQuery = Omit<Query<'getTimeseries'>, 'compare' | 'format'>;
/** A range, and what the calls are told apart by: one dimension, or several. */
export type BreakdownQuery = Omit<BreakdownCsvQuery, 'separator' | 'decimal'>;
/** The same, and how the CSV is written. */
export type BreakdownCsvQuery = Omit<Query<'getBreakdown'>, 'by' | 'limit' | 'format'> & {
  by: Dimension | readonly Dimension[];
  /** Groups, 1 to 1000; the rest is summed. */
  limit?: number | undefined;
};

/** The figures of a range, and of the current day, week and month. */
export type Dashboard = Json<'getDashboard', 200>['data'];
/** The figures of a range by hour, day, week or month. */
export type Timeseries = Json<'getTimeseries', 200>['data'];
/** One hour, day, week or month of a time series. */
export type SeriesBucket = Timeseries['buckets'][number];
/** A range by its name, such as `today` or `last_month`. */
export type Period = NonNullable<RangeQuery['period']>;
export type Interval = Timeseries['interval'];
/** The figures of a range by agent, direction or status. */
export type Breakdown = Json<'getBreakdown', 200>['data'];
/** One agent, direction, status or combination of a breakdown: null where calls had none. */
export type BreakdownGroup = Breakdown['groups'][number];
/** The sum of the groups that a limit left out. */
export type BreakdownRest = NonNullable<Breakdown['rest']>;
/** How long the calls of a range took. */
export type Durations = Json<'getDurations', 200>['data'];
/** What calls are told apart by. */
export type Dimension = Breakdown['by'][number];

type ErrorStatus = Exclude<keyof operations['getTimeseries']['responses'], 200>;
/** A stable code of an error that the API answers. */
export type ApiErrorCode = Json<'getTimeseries', ErrorStatus>['error']['code'];

/** What the figures were read from. They are the same from each. */
export type AnswerSource = NonNullable<
  operations['getDashboard']['responses'][200]['headers']['X-Tally-Source']
>;

/** That rows were read because counters do not hold so many combinations of labels. */
export type AnswerCells = NonNullable<
  operations['getDashboard']['responses'][200]['headers']['X-Tally-Cells']
>;

/** What the API answered. */
export interface Answer<Data> {
  data: Data;
  /** ISO 8601, UTC: every call that Kafka had acknowledged by then is counted. Undefined while unknown. */
  asOf: string | undefined;
  source: AnswerSource | undefined;
  /** `beyond` if the user had more combinations of labels in a month than counters hold; otherwise undefined. */
  cells: AnswerCells | undefined;
  /** Finds the request in the API's log. */
  requestId: string | undefined;
}

/** A time series or a breakdown as a CSV. */
export interface CsvAnswer extends Answer<string> {
  /** Such as `calltally-week-2026-03-01-to-2026-03-28.csv`. */
  fileName: string | undefined;
}
