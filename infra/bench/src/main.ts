import { mkdirSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Bench, RESULTS } from './bench.ts';
import { PICTURES, putTable } from './document.ts';
import { apart, figures } from './figures.ts';
import { machine } from './machine.ts';
import { measure } from './measure.ts';
import { parseOptions, USAGE } from './options.ts';
import { writeProfiles } from './profiles/write-profiles.ts';
import type { Result } from './results.ts';
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
const chosen =
  names.length === 0 ? figures : [...figures, ...apart].filter(({ name }) => names.includes(name));
const results: Result[] = [];
const failed: string[] = [];
const date = new Date().toISOString().slice(0, 10);
for (const figure of chosen) {
  console.log(figure.name);
  try {
    results.push(...(await measure(bench, figure, proves)));
  } catch (thrown) {
    // What it stood on was taken away; the process ends as soon as all is.
    if (interrupted) await new Promise(() => {});
    console.error(`${figure.name} could not be measured:`, thrown);
    failed.push(figure.name);
  }
}
await bench.end();
if (cpuProf) await writeProfiles();

const run = { machine: machine(), date, quick, cpuProf };
const markdown = `${run.machine}, ${date}${proves ? '' : '; small sizes or profiled: this proves nothing'}\n\n${table(results)}\n`;
writeFileSync(
  join(RESULTS, 'results.json'),
  `${JSON.stringify({ ...run, figures: results }, undefined, 2)}\n`,
);
writeFileSync(join(RESULTS, 'results.md'), markdown);
const documented = write && failed.length === 0;
if (documented) putTable(markdown, names[0]);
const pictures = documented ? PICTURES : RESULTS;
mkdirSync(pictures, { recursive: true });
for (const [name, svg] of bench.pictures) writeFileSync(join(pictures, `${name}.svg`), svg);
console.log(`\n${markdown}`);
const broken = results.filter(({ holds }) => holds === false).map(({ name }) => name);
if (broken.length > 0) console.error(`below what was promised: ${broken.join(', ')}`);
if (failed.length > 0) console.error(`could not be measured: ${failed.join(', ')}`);
process.exit(broken.length + failed.length === 0 ? 0 : 1);
