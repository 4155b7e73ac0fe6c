import { toldOf } from './errors.ts';
import { obtainActionlint } from './obtain/actionlint.ts';
import { obtainEngines } from './obtain/all.ts';
import { CHROMIUM, obtainTool } from './obtain/tools.ts';

type Log = (line: string) => void;

/** Exit status 1, and a line for each thing that cannot be had, which says what mends it. */
async function obtain(what: (log: Log) => Promise<unknown>): Promise<void> {
  try {
    await what((line) => console.error(line));
  } catch (thrown) {
    const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
    // What is in the way of several engines is told once.
    for (const told of new Set(errors.map(toldOf))) console.error(told);
    process.exitCode = 1;
  }
}

await obtain(obtainEngines);
// Only tests need these: nobody who starts calltally shall have a browser installed.
if (process.argv.includes('--chromium')) await obtain((log) => obtainTool(CHROMIUM, log));
if (process.argv.includes('--actionlint')) await obtain(obtainActionlint);
