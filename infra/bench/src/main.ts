import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Bench, machine, PROFILES, RESULTS } from './bench.ts';
import { PICTURES, putTable } from './document.ts';
import { apart, figures, ownTables } from './figures.ts';
import { parseOptions, USAGE } from './options.ts';
import type { Figure, Result } from './results.ts';
import { measure } from './results.ts';
import { table } from './table.ts';

function optionsOrExit() {
  try {
    const [known, named] = [figures, apart].map((all) => all.map(({ name }) => name));
    return parseOptions(process.argv.slice(2), known!, named!);
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
const date = new Date().toISOString().slice(0, 10);
const heading = `${machine()}, ${date}${proves ? '' : '; small sizes or profiled: this proves nothing'}`;
const chosen =
  names.length === 0 ? figures : [...figures, ...apart].filter(({ name }) => names.includes(name));
const results: Result[] = [];
/** By the name of the figure with its own table. */
const owned = new Map<string, string>();
const inTable: Result[] = [];
const failed: string[] = [];
for (const figure of chosen) if (!apart.includes(figure)) await take(figure, ownTables.get(figure.name));
// At once: a run of all takes hours.
if (write && failed.length === 0 && inTable.length > 0) {
  putTable(`${heading}\n\n${table(inTable)}`);
  for (const name of ownTables.keys()) document(name);
}
for (const figure of chosen) {
  if (!apart.includes(figure)) continue;
  // As if it were named alone.
  await bench.restart();
  await take(figure, table);
  if (write && owned.has(figure.name)) document(figure.name);
}
await bench.end();
if (cpuProf) console.log(`CPU profiles are in ${PROFILES}`);

const tables = [...(inTable.length > 0 ? [table(inTable)] : []), ...owned.values()];
const markdown = `${[heading, ...tables].join('\n\n')}\n`;
writeFileSync(
  join(RESULTS, 'results.json'),
  `${JSON.stringify({ machine: machine(), date, quick, cpuProf, figures: results }, undefined, 2)}\n`,
);
writeFileSync(join(RESULTS, 'results.md'), markdown);
const pictures = write ? PICTURES : RESULTS;
mkdirSync(pictures, { recursive: true });
for (const [name, svg] of bench.pictures) writeFileSync(join(pictures, `${name}.svg`), svg);
console.log(`\n${markdown}`);
const broken = results.filter(({ holds }) => holds === false).map(({ name }) => name);
if (broken.length > 0) console.error(`bounds not met: ${broken.join(', ')}`);
if (failed.length > 0) console.error(`could not be measured: ${failed.join(', ')}`);
process.exit(broken.length + failed.length === 0 ? 0 : 1);

/** @param ownTable of this figure alone; default: its lines stand in the table of all */
async function take(figure: Figure, ownTable?: (results: Result[]) => string): Promise<void> {
  console.log(figure.name);
  try {
    const measured = await measure(bench, figure, proves);
    results.push(...measured);
    if (ownTable) owned.set(figure.name, ownTable(measured));
    else inTable.push(...measured);
  } catch (thrown) {
    // Its engines were ended under it; the process ends once everything has ended.
    if (interrupted) await new Promise(() => {});
    console.error(`${figure.name} could not be measured:`, thrown);
    failed.push(figure.name);
  }
}

/** Replaces a figure's own table. */
function document(name: string): void {
  putTable(`${heading}\n\n${owned.get(name)}`, name);
}
