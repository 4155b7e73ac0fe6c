import { firstDayOfMonth, monthOf, type Tally, ZERO_TALLY } from '@calltally/domain';
import type { CallContent } from '@calltally/store';
import type { Hashes } from './redis.ts';

export interface Bucket extends Tally {
  firstDay: number;
}

/** Sums of a month by cell, and of its days. Those that are zero may be left out. */
export type Cells = ReadonlyMap<string, Bucket>;

const CELLS_IN_CHUNK = 10;
const CHUNKS_OF_DAY = 128;
/** By form, bytes of calls and of ms. */
const WIDTHS = [undefined, [1, 3], [2, 4], [4, 8]] as const;
const PLACES = 16;

/** The same text for the same sums and names. Which cell got which number makes no difference to what follows. */
export function stateOfCells(hashes: Hashes, userId: string): string {
  const months = [...cellsIn(hashes, userId)].sort(([a], [b]) => a - b);
  return JSON.stringify(
    months.map(([month, held]) => [month, typeof held === 'string' ? held : [...held].sort(byName)]),
  );
}

function byName([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

export function isOfCells(key: string): boolean {
  return /:[cd]:\d+$/.test(key);
}

/** What should be held, by month. */
export function cellsOf(contents: readonly CallContent[]): Map<number, Cells> {
  const months = new Map<number, Map<string, Bucket>>();
  for (const { day, duration_ms, agent_id = '', status = '' } of contents) {
    const month = monthOf(day);
    const cells = months.get(month) ?? new Map<string, Bucket>();
    months.set(month, cells);
    for (const [unit, firstDay] of unitsOf(month, day)) {
      const name = `${unit} of ${agent_id} ${status.slice(0, 1)}`;
      const { calls, durationMs } = cells.get(name) ?? ZERO_TALLY;
      cells.set(name, { calls: calls + 1, durationMs: durationMs + duration_ms, firstDay });
    }
  }
  return months;
}

/** What Redis holds of a user, by month: `beyond`, or what is wrong with it. Reads hashes as add-detail.lua describes them. */
export function cellsIn(hashes: Hashes, userId: string): Map<number, Cells | string> {
  const months = new Map<number, Cells | string>();
  const prefix = `ct2:{${userId}}:`;
  for (const key of hashes.keys()) {
    const [kind, month] = key.startsWith(prefix) ? key.slice(prefix.length).split(':') : [];
    if (kind !== 'c' && kind !== 'd') continue;
    const held = [hashes.get(`${prefix}c:${month}`), hashes.get(`${prefix}d:${month}`)] as const;
    months.set(Number(month), cellsOfMonth(Number(month), ...held));
  }
  return months;
}

type Hash = ReadonlyMap<string, string> | undefined;

function cellsOfMonth(month: number, cells: Hash, days: Hash): Cells | string {
  if (cells === undefined) return 'days without names';
  if (cells.get('n') === '-') {
    return cells.size === 1 && days === undefined ? 'beyond' : 'sums of a month that had too many';
  }
  const agents = new Map(
    [...cells].flatMap(([field, n]) => (field.startsWith('a') ? [[n, field.slice(1)]] : [])),
  );
  const names = new Map(
    [...cells].flatMap(([field, number]) => {
      const [agent, labels] = field.split(',');
      return labels === undefined
        ? []
        : [[Number(number), `${agents.get(agent!) ?? agent} ${labels.slice(1)}`]];
    }),
  );
  const count = [...cells.keys()].filter((field) => field.includes(',')).length;
  if (names.size !== count || Math.max(...names.keys()) !== count - 1) return 'a number twice, or a gap';
  const sums = new Map<string, Bucket>();
  for (const [field, chunk] of [...cells, ...(days ?? [])]) {
    if (!/^\d+$/.test(field)) continue;
    const isOfDay = Number(field) >= CHUNKS_OF_DAY;
    const day = isOfDay ? firstDayOfMonth(month) + Math.floor(Number(field) / CHUNKS_OF_DAY) - 1 : undefined;
    const first = (Number(field) % CHUNKS_OF_DAY) * CELLS_IN_CHUNK;
    for (const [number, tally] of talliesIn(first, Buffer.from(chunk, 'latin1'))) {
      const name = names.get(number);
      if (name === undefined) return 'a sum without a name';
      const [ofMonth, ofDay] = unitsOf(month, day ?? 0) as [[string, number], [string, number]];
      const [unit, firstDay] = day === undefined ? ofMonth : ofDay;
      sums.set(`${unit} of ${name}`, { ...tally, firstDay });
    }
  }
  return sums;
}

/** A month and a day, with their first days. */
function unitsOf(month: number, day: number): [string, number][] {
  return [
    [`cells of month ${month}`, firstDayOfMonth(month)],
    [`cells of day ${day}`, day],
  ];
}

/** The sums of a chunk, by number. @param first that of the first place */
export function* talliesIn(first: number, bytes: Buffer): Generator<[number: number, Tally]> {
  const [calls, duration] = WIDTHS[bytes[0]!]!;
  const present = bytes.readUInt16LE(1);
  let at = 3;
  for (let place = 0; place < PLACES; place++) {
    if (((present >> place) & 1) === 0) continue;
    const tally = { calls: integerAt(bytes, at, calls), durationMs: integerAt(bytes, at + calls, duration) };
    yield [first + place, tally];
    at += calls + duration;
  }
}

function integerAt(bytes: Buffer, at: number, width: number): number {
  return width === 8 ? Number(bytes.readBigInt64LE(at)) : bytes.readIntLE(at, width);
}
