import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { together, type Watched } from './watch.ts';

/** The observed effects of one fault, for people to read. */
interface FaultRow {
  fault: string;
  /** Answers by status, for ranges of whole days and for ranges that cut days. */
  whole: string;
  cut: string;
  sources: string;
  slowestMs: number;
  during: string;
  afterwards: string;
}

const CALLTALLY = fileURLToPath(new URL('../../../.calltally/', import.meta.url));
const PARTS = join(CALLTALLY, 'faults');
const TESTS = fileURLToPath(new URL('../test/faults/', import.meta.url));
const LOOKS_MAX = 10;
const HEAD = [
  '| what fails | whole days | cut days | answered from | slowest | during | afterwards |',
  '|---|---|---|---|---|---|---|',
];

/**
 * Writes the measured fault table: the rows of each test file, and `.calltally/faults.md` with the rows of all. Test
 * files run in parallel processes, so each keeps its rows in its own file and then builds the whole table again.
 */
export class FaultReport {
  readonly #part: string;
  readonly #rows: string[] = [];

  /** @param testUrl `import.meta.url` of the test file */
  constructor(testUrl: string) {
    const name = basename(fileURLToPath(testUrl));
    this.#part = join(PARTS, `${name}.md`);
    mkdirSync(PARTS, { recursive: true });
    rmSync(this.#part, { force: true });
  }

  add(t: Test, row: FaultRow): void {
    const line = lineOf(row);
    this.#rows.push(line);
    for (const text of this.#rows.length === 1 ? [...HEAD, line] : [line]) t.comment(text);
    replace(this.#part, this.#rows.join('\n'));
    // Another process may add its part while this one reads; read again until nothing changes.
    let written: string | undefined;
    for (let found = parts(), i = 0; found !== written && i < LOOKS_MAX; found = parts(), i++) {
      replace(join(CALLTALLY, 'faults.md'), `${HEAD.join('\n')}\n${found}\n`);
      written = found;
    }
  }
}

/** Counts by kind: `200 ×31, 503 ×2`. */
export function tally(counts: ReadonlyMap<unknown, number>): string {
  return [...counts].map(([name, count]) => `${name} ×${count}`).join(', ') || '–';
}

/** @param quiet whether the fault was also observed while nothing was sent */
export function rowOf(
  fault: string,
  seen: { whole: Watched; cut: Watched; quiet: boolean; exactAfterwards: boolean },
): FaultRow {
  const all = together(seen.whole, seen.cut);
  const outOfBounds = all.tooMany + all.tooFew;
  const bounds = outOfBounds === 0 ? 'within bounds' : `${outOfBounds} out of bounds`;
  const exact = all.wrong === 0 ? 'exact' : `${all.wrong} wrong`;
  return {
    fault,
    whole: tally(seen.whole.statuses),
    cut: tally(seen.cut.statuses),
    sources: tally(all.sources),
    slowestMs: all.slowestMs,
    during: seen.quiet ? `${exact}; with traffic ${bounds}` : bounds,
    afterwards: seen.exactAfterwards ? 'exact' : 'not exact',
  };
}

function lineOf({ fault, whole, cut, sources, slowestMs, during, afterwards }: FaultRow): string {
  const cells = [fault, whole, cut, sources, `${Math.round(slowestMs)} ms`, during, afterwards];
  return `| ${cells.join(' | ')} |`;
}

/** The rows of all test files, ordered by file name. */
function parts(): string {
  return readdirSync(PARTS)
    .filter((part) => part.endsWith('.md') && existsSync(join(TESTS, part.slice(0, -'.md'.length))))
    .sort()
    .map((part) => readFileSync(join(PARTS, part), 'utf8'))
    .join('\n');
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, text);
  renameSync(draft, file);
}
