import { writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Bench, RESULTS } from './bench.ts';
import { putTable } from './document.ts';
import { figures } from './figures.ts';
import { machine } from './machine.ts';
import { measure } from './measure.ts';
import { parseOptions, USAGE } from './options.ts';
import type { Result } from './results.ts';
import { table } from './table.ts';

function optionsOrExit() {
  try {
    return parseOptions(
      process.argv.slice(2),
      figures.map(({ name }) => name),
    );
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n${USAGE}`);
    process.exit(2);
  }
}

const { names, quick, cpuProf, write } = optionsOrExit();
const bench = new Bench({ quick, cpuProf });
let interrupted = false;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    interrupted = true;
    void bench.end().finally(() => process.exit(128 + constants.signals[signal]));
  });
}

const proves = !quick && !cpuProf;
const chosen = figures.filter(({ name }) => names.length === 0 || names.includes(name));
const results: Result[] = [];
/** Of figures whose lines are not in the table of all. */
const ownTables = new Map<string, string>();
const inTable: Result[] = [];
const failed: string[] = [];
const date = new Date().toISOString().slice(0, 10);
for (const figure of chosen) {
  console.log(figure.name);
  try {
    const measured = await measure(bench, figure, proves);
    results.push(...measured);
    if (figure.ownTable) ownTables.set(figure.name, figure.ownTable(measured));
    else inTable.push(...measured);
  } catch (thrown) {
    // What it stood on was taken away; the process ends as soon as all is.
    if (interrupted) await new Promise(() => {});
    console.error(`${figure.name} could not be measured:`, thrown);
    failed.push(figure.name);
  }
}
await bench.end();

const run = { machine: machine(), date, quick, cpuProf };
const heading = `${run.machine}, ${date}${proves ? '' : '; small sizes or profiled: this proves nothing'}`;
const main = `${heading}\n\n${table(inTable)}\n`;
const markdown = [main, ...ownTables.values()].join('\n');
writeFileSync(
  join(RESULTS, 'results.json'),
  `${JSON.stringify({ ...run, figures: results }, undefined, 2)}\n`,
);
writeFileSync(join(RESULTS, 'results.md'), markdown);
if (write && failed.length === 0) {
  putTable(main);
  for (const [name, text] of ownTables) putTable(`${heading}\n\n${text}`, name);
}
console.log(`\n${markdown}`);
const broken = results.filter(({ holds }) => holds === false).map(({ name }) => name);
if (broken.length > 0) console.error(`below what was promised: ${broken.join(', ')}`);
if (failed.length > 0) console.error(`could not be measured: ${failed.join(', ')}`);
process.exit(broken.length + failed.length === 0 ? 0 : 1);
