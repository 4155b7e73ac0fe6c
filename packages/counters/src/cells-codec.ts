import { type Cell, type CellTally, DIRECTIONS, STATUSES } from '@calltally/domain';
import { readChunk } from './chunks.ts';

/*
 * How a month's cells are written to Redis (lua/add-detail.lua). Known labels have one letter, others are spelled out behind
 * a sign that no code has.
 */

const SEPARATOR = '\u001f';
const SPELLED_OUT = '=';

const DIRECTION_CODES = codes(DIRECTIONS, 'iow');
const STATUS_CODES = codes(STATUSES, 'cfbnxv');

/** Of one letter each, in order. They are never changed: they are stored. */
function codes(labels: readonly string[], letters: string) {
  const byLabel = new Map(labels.map((label, i) => [label, letters[i]!]));
  const byCode = new Map([...byLabel].map(([label, code]) => [code, label]));
  return {
    encode: (label = '') => byLabel.get(label) ?? (label === '' ? '' : SPELLED_OUT + label),
    decode: (code: string) => (code.startsWith(SPELLED_OUT) ? code.slice(1) : byCode.get(code)),
  };
}

/** Direction and status of a cell as one text. */
export function labelsText({ direction, status }: Cell): string {
  return DIRECTION_CODES.encode(direction) + SEPARATOR + STATUS_CODES.encode(status);
}

/** Cells of one month by number; or that there were more than are kept. */
export type MonthCells = readonly Cell[] | 'beyond';

const CELLS_IN_CHUNK = 10;
const CHUNKS_OF_DAY = 128;

/** The first field of a day of the month in the hash of days. */
export function fieldOfDay(day: number): number {
  return day * CHUNKS_OF_DAY;
}

/**
 * What the hash of a month's cells says.
 * @param flat fields and values in turn
 * @returns the cells' names, and their sums of the month; no cells if there is no such hash
 */
export function readMonth(flat: readonly Buffer[]): { cells: MonthCells; sums: CellTally[] } {
  const agents: string[] = [];
  const names: { number: number; agent: string; labels: string }[] = [];
  const chunks: [number, Buffer][] = [];
  for (let i = 0; i < flat.length; i += 2) {
    const field = flat[i]!.toString();
    const value = flat[i + 1]!;
    if (field === 'n') {
      if (value.toString() === '-') return { cells: 'beyond', sums: [] };
    } else if (field.startsWith('a')) agents[Number(value.toString())] = field.slice(1);
    else {
      const comma = field.indexOf(',');
      if (comma === -1) chunks.push([Number(field), value]);
      else {
        const [agent, labels] = [field.slice(0, comma), field.slice(comma + 1)];
        names.push({ number: Number(value.toString()), agent, labels });
      }
    }
  }
  const cells: Cell[] = [];
  for (const { number, agent, labels } of names) {
    const [direction, status] = labels.split(SEPARATOR) as [string, string];
    cells[number] = nonEmpty({
      agentId: agent === '' ? undefined : agents[Number(agent)],
      direction: DIRECTION_CODES.decode(direction),
      status: STATUS_CODES.decode(status),
    });
  }
  const sums: CellTally[] = [];
  for (const [number, chunk] of chunks) {
    readChunk(chunk, (place, calls, durationMs) => {
      sums.push({ cell: cells[number * CELLS_IN_CHUNK + place]!, calls, durationMs });
    });
  }
  return { cells, sums };
}

/** Sums of days by cell, from the hash of a month's days. @param flat as `readMonth` @returns by day of the month */
export function readDays(cells: readonly Cell[], flat: readonly Buffer[]): Map<number, CellTally[]> {
  const days = new Map<number, CellTally[]>();
  visitDays(cells, flat, { first: 1, last: 31 }, (day, cell, calls, durationMs) => {
    const tallies = days.get(day) ?? [];
    days.set(day, tallies);
    tallies.push({ cell, calls, durationMs });
  });
  return days;
}

/** The same one by one, since there may be thousands. A cell of a month is one object for all of its days. */
export function visitDays(
  cells: readonly Cell[],
  flat: readonly Buffer[],
  { first, last }: { first: number; last: number },
  visit: (day: number, cell: Cell, calls: number, durationMs: number) => void,
): void {
  for (let i = 0; i < flat.length; i += 2) {
    const field = Number(flat[i]!.toString('latin1'));
    const day = Math.floor(field / CHUNKS_OF_DAY);
    if (day < first || day > last) continue;
    const firstOfChunk = (field % CHUNKS_OF_DAY) * CELLS_IN_CHUNK;
    readChunk(flat[i + 1]!, (place, calls, durationMs) =>
      visit(day, cells[firstOfChunk + place]!, calls, durationMs),
    );
  }
}

function nonEmpty(labels: { [K in keyof Cell]-?: string | undefined }): Cell {
  const cell: Cell = {};
  if (labels.agentId !== undefined) cell.agentId = labels.agentId;
  if (labels.direction !== undefined) cell.direction = labels.direction;
  if (labels.status !== undefined) cell.status = labels.status;
  return cell;
}
