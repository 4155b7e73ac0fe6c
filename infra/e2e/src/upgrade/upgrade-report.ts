import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';
import { tally } from '../fault-report.ts';
import { THIS_VERSION } from '../service.ts';
import { together, type Watched } from '../watch.ts';

const FOLDER = fileURLToPath(new URL('.calltally/', THIS_VERSION));
const HEAD = [
  '| from | step | answers | answered from | slowest | oldest as-of | took |',
  '|---|---|---|---|---|---|---|',
];

/** What readers saw during one step. */
export interface Step {
  from: string;
  name: string;
  seen: { whole: Watched; cut: Watched };
  tookMs: number;
}

/** Writes the table of steps, `.calltally/upgrade.md`, as it grows. */
export class UpgradeReport {
  readonly #lines = [...HEAD];

  add(t: Test, { from, name, seen, tookMs }: Step): void {
    const all = together(seen.whole, seen.cut);
    const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;
    const cells = [
      from,
      name,
      tally(all.statuses),
      tally(all.sources),
      seconds(all.slowestMs),
      seconds(all.oldestAsOfMs),
      seconds(tookMs),
    ];
    const line = `| ${cells.join(' | ')} |`;
    t.comment(line);
    this.#lines.push(line);
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(`${FOLDER}upgrade.md`, `${this.#lines.join('\n')}\n`);
  }
}
