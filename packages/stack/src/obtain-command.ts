import { toldOf } from './errors.ts';
import { obtainEngines } from './obtain/all.ts';
import { CHROMIUM, obtainTool } from './obtain/tools.ts';

type Log = (line: string) => void;

/** Exit status 1, and a line for each thing that cannot be had, which says what mends it. */
async function obtain(what: (log: Log) => Promise<unknown>): Promise<void> {
  try {
    await what((line) => console.error(line));
  } catch (thrown) {
    for (const error of thrown instanceof AggregateError ? thrown.errors : [thrown]) {
      console.error(toldOf(error));
    }
    process.exitCode = 1;
  }
}

await obtain(obtainEngines);
// Only tests need it: nobody who starts calltally shall have a browser installed.
if (process.argv.includes('--chromium')) await obtain((log) => obtainTool(CHROMIUM, log));
