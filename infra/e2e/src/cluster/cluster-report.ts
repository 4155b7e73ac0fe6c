import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

/** What readers saw during one trial, and how it ended. */
interface TrialRow {
  trial: string;
  statuses: string;
  sources: string;
  slowestMs: number;
  /** How long counting stood still, for whomever it did longest. */
  oldestAsOfMs: number;
  /** Answers that said more than there was, or less than was acknowledged by their as-of. */
  outOfBounds: number;
  /** Users whose numbers were not right afterwards. */
  different: number;
  /** False if counting stood still until the trial gave up. */
  isCaughtUp: boolean;
}

const FOLDER = fileURLToPath(new URL('../../../../.calltally/', import.meta.url));
const HEAD = [
  '| trial | answers | answered from | slowest | oldest as-of | during | afterwards |',
  '|---|---|---|---|---|---|---|',
];

/** Writes the table of trials, `.calltally/cluster.md`, as it grows. */
export class ClusterReport {
  readonly #lines = [...HEAD];

  constructor() {
    this.#write();
  }

  add(t: Test, row: TrialRow): void {
    const line = lineOf(row);
    t.comment(line);
    this.#lines.push(line);
    this.#write();
  }

  #write(): void {
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}cluster.md`, `${this.#lines.join('\n')}\n`);
  }
}

function lineOf(row: TrialRow): string {
  const { trial, statuses, sources, slowestMs, oldestAsOfMs, outOfBounds, different, isCaughtUp } = row;
  const exact = different === 0 ? 'exact' : `${different} not exact`;
  const cells = [
    trial,
    statuses,
    sources,
    seconds(slowestMs),
    seconds(oldestAsOfMs),
    outOfBounds === 0 ? 'within bounds' : `${outOfBounds} out of bounds`,
    isCaughtUp ? exact : `${exact}, not caught up`,
  ];
  return `| ${cells.join(' | ')} |`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
