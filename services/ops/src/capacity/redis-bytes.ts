import type { Inputs } from './inputs.ts';

/*
 * Bytes that a user takes in Redis, from how Redis stores what packages/counters/lua writes (docs/design.md, "Counters in
 * Redis"): listpacks while they are small, hash tables beyond. Averages go in, so that the result grows smoothly.
 */

export interface KeptMonths {
  /** Months of the user's calls that are kept. */
  months: number;
  /** The latest of them, which have sums by half-hour, and by cell and day. */
  detailed: number;
}

const DAYS_OF_MONTH = 30.44;
const WEEKS_OF_MONTH = DAYS_OF_MONTH / 7;
const WEEKS_OF_YEAR = 52.18;
const HALF_HOURS_OF_DAY = 48;
const HALF_HOURS_OF_CHUNK = 12;
const CELLS_OF_CHUNK = 10;
/** Detail of a month expires 93 days after it: that of the current month and of the three before is there, and a bit more. */
const DETAILED_MONTHS = 1 + 93 / DAYS_OF_MONTH;
/** Redis's defaults for hashes. Beyond either a hash is a table. */
const LISTPACK_FIELDS = 128;
const LISTPACK_VALUE_BYTES = 64;
/** Of a key in the database: entry, object and the entry of its expiry; its place in both tables, which are half full. */
const KEY_BYTES = 32 + 16 + 32 + 2 * 12;
/** Of a field in a table: entry, place in the table, and the headers of field and value. */
const FIELD_BYTES = 32 + 12;
const UUID_BYTES = 36;

/** Months of a user who has been there for long, on the last day of a month. */
export function keptMonths({ months, detail }: Pick<Inputs, 'months' | 'detail'>): KeptMonths {
  // Writers keep two months more than readers ask for.
  return { months: months + 2, detailed: detail ? Math.min(months + 2, DETAILED_MONTHS) : 0 };
}

/** Average bytes of an active user, as `used_memory` counts them. */
export function redisBytesOfUser(inputs: Inputs, { months, detailed }: KeptMonths): number {
  const years = Math.max(1, (months * WEEKS_OF_MONTH) / WEEKS_OF_YEAR);
  return (
    userHash(inputs) +
    months * monthHash(inputs) +
    years * weekHash(inputs, (months * WEEKS_OF_MONTH) / years) +
    (inputs.detail ? months * cellHash(inputs) : 0) +
    detailed * (halfHourHash(inputs) + cellDayHash(inputs))
  );
}

function userHash({ idBytes, callsPerDay, callSeconds }: Inputs): number {
  const calls = callsPerDay * 31;
  const window =
    5 +
    4 +
    3 +
    digits(callsPerDay) +
    digits(callsPerDay * 7) +
    2 * digits(calls) +
    digits(calls * callSeconds * 1e3) +
    7;
  const fields =
    text(1) +
    text(UUID_BYTES) + // g
    (text(1) + integer(1)) + // w
    (text(1) + integer(20_000)) + // f
    2 * (text(1) + integer(Date.UTC(2030, 0))) + // n, x
    (text(5) + integer(2 ** 30)) + // a:0:17, an offset
    (text(1) + text(window)); // r
  return keyBytes(idBytes, 0) + allocated(listpack(fields));
}

function monthHash({ idBytes, callsPerDay, callSeconds }: Inputs): number {
  const days = DAYS_OF_MONTH * someOf(callsPerDay);
  const callsOfDay = Math.max(1, callsPerDay);
  const day = 2 * text(2.7) + integer(callsOfDay) + integer(callsOfDay * callSeconds * 1e3);
  const month =
    2 * text(1) +
    integer(callsPerDay * DAYS_OF_MONTH) +
    integer(callsPerDay * DAYS_OF_MONTH * callSeconds * 1e3);
  return (
    someOf(callsPerDay * DAYS_OF_MONTH) * (keyBytes(idBytes, 6) + allocated(listpack(days * day + month)))
  );
}

function weekHash({ idBytes, callsPerDay, callSeconds }: Inputs, weeksOfYear: number): number {
  const callsOfWeek = Math.max(1, callsPerDay * 7);
  const week = 2 * text(2.8) + integer(callsOfWeek) + integer(callsOfWeek * callSeconds * 1e3);
  const weeks = Math.max(1, weeksOfYear) * someOf(callsPerDay * 7);
  return keyBytes(idBytes, 7) + allocated(listpack(weeks * week));
}

function halfHourHash({ idBytes, callsPerDay, callSeconds }: Inputs): number {
  const calls = callsPerDay / HALF_HOURS_OF_DAY;
  const chunks =
    DAYS_OF_MONTH * (HALF_HOURS_OF_DAY / HALF_HOURS_OF_CHUNK) * someOf(calls * HALF_HOURS_OF_CHUNK);
  const sums = DAYS_OF_MONTH * HALF_HOURS_OF_DAY * someOf(calls);
  return hashOfChunks(idBytes, { chunks, sums, callsOfSum: calls, callSeconds, field: integer(60) });
}

function cellDayHash(inputs: Inputs): number {
  const { idBytes, callsPerDay, callSeconds } = inputs;
  const cells = cellsOf(inputs);
  const ofDay = Math.ceil(cells / CELLS_OF_CHUNK);
  const calls = callsPerDay / cells;
  return hashOfChunks(idBytes, {
    chunks: DAYS_OF_MONTH * ofDay * someOf(callsPerDay / ofDay),
    sums: DAYS_OF_MONTH * cells * someOf(calls),
    callsOfSum: calls,
    callSeconds,
    field: integer(2_000),
  });
}

function cellHash(inputs: Inputs): number {
  const { idBytes, agentIdBytes, callsPerDay, callSeconds, agents } = inputs;
  const callsOfCell = (callsPerDay * DAYS_OF_MONTH) / cellsOf(inputs);
  const cells = cellsOf(inputs) * someOf(callsOfCell);
  const chunks = Math.ceil(cells / CELLS_OF_CHUNK);
  const sums = sumBytes(callsOfCell, callSeconds);
  const value = 3 + (cells / chunks) * sums;
  const shown = agents * someOf((callsPerDay * DAYS_OF_MONTH) / agents);
  const names =
    shown * (text(1 + agentIdBytes) + integer(shown)) + cells * (text(4 + digits(agents)) + integer(cells));
  const head = text(1) + text(2 + digits(cells));
  const isTable = 1 + shown + cells + chunks > LISTPACK_FIELDS || value > LISTPACK_VALUE_BYTES;
  const bytes = isTable
    ? shown * tableField(1 + agentIdBytes, 2) +
      cells * tableField(4 + digits(agents), 3) +
      chunks * tableField(2, value)
    : allocated(listpack(head + names + chunks * (integer(10) + text(value))));
  return someOf(callsPerDay * DAYS_OF_MONTH) * (keyBytes(idBytes, 6) + bytes);
}

/** Combinations that may occur, as many as are kept. */
export function cellsOf({ agents, directions, statuses }: Inputs): number {
  return Math.min(1_000, agents * directions * statuses);
}

interface Chunks {
  chunks: number;
  sums: number;
  callsOfSum: number;
  callSeconds: number;
  field: number;
}

function hashOfChunks(idBytes: number, { chunks, sums, callsOfSum, callSeconds, field }: Chunks): number {
  if (chunks < 0.001) return 0;
  const value = 3 + (sums / chunks) * sumBytes(callsOfSum, callSeconds);
  const isTable = chunks > LISTPACK_FIELDS || value > LISTPACK_VALUE_BYTES;
  const bytes = isTable ? chunks * tableField(4, value) : allocated(listpack(chunks * (field + text(value))));
  return Math.min(1, chunks) * (keyBytes(idBytes, 6) + bytes);
}

/** Of calls and ms of one sum, by the widths of packages/counters/src/chunks.ts. A chunk has the width of its largest. */
function sumBytes(calls: number, callSeconds: number): number {
  // Twice the average: that of the largest of ten or so.
  const largest = 2 * Math.max(1, calls);
  const ms = largest * callSeconds * 1_000;
  if (largest <= 127 && ms <= 8_388_607) return 4;
  return largest <= 32_767 && ms <= 2_147_483_647 ? 6 : 12;
}

/** The share of times with any calls, if that many are expected. */
function someOf(expected: number): number {
  return 1 - Math.exp(-expected);
}

function digits(value: number): number {
  return Math.max(1, Math.ceil(Math.log10(Math.max(1, value) + 1)));
}

/** Of a text in a listpack, with the length that follows it. */
function text(length: number): number {
  return (length < 64 ? 1 : 2) + length + 1;
}

/** Of a number in a listpack. */
function integer(value: number): number {
  if (value < 128) return 2;
  if (value < 4_096) return 3;
  if (value < 2 ** 15) return 4;
  if (value < 2 ** 23) return 5;
  return value < 2 ** 31 ? 6 : 10;
}

function listpack(entries: number): number {
  return 6 + entries + 1;
}

function tableField(field: number, value: number): number {
  return FIELD_BYTES + allocated(field + 2) + allocated(value + 2);
}

/** @param suffix bytes behind the user, such as `:m:683` */
function keyBytes(idBytes: number, suffix: number): number {
  return KEY_BYTES + allocated('ct2:{}'.length + idBytes + suffix + 4);
}

/** What the allocator gives: four sizes between two powers of two. */
function allocated(bytes: number): number {
  if (bytes <= 8) return 8;
  const step = Math.max(16, 2 ** (Math.ceil(Math.log2(bytes)) - 3));
  return Math.ceil(bytes / step) * step;
}
