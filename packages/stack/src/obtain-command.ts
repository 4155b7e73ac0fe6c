import { toldOf } from './errors.ts';
import { obtainActionlint } from './obtain/actionlint.ts';
import { obtainEngines } from './obtain/all.ts';
import { CHROMIUM, obtainTool } from './obtain/tools.ts';

type Log = (line: string) => void;

/** If something cannot be obtained, prints one line with the remedy for each and sets exit status 1. */
async function obtain(what: (log: Log) => Promise<unknown>): Promise<void> {
  try {
    await what((line) => console.error(line));
  } catch (thrown) {
    const errors: unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
    // Several engines can fail for the same reason: print it once.
    for (const told of new Set(errors.map(toldOf))) console.error(told);
    process.exitCode = 1;
  }
}

await obtain(obtainEngines);
// Only tests need these. Starting calltally must not install a browser.
if (process.argv.includes('--chromium')) await obtain((log) => obtainTool(CHROMIUM, log));
if (process.argv.includes('--actionlint')) await obtain(obtainActionlint);
