import { StackError } from './errors.ts';
import { obtainEngines } from './obtain/all.ts';
import { obtainChromium } from './obtain/chromium.ts';

/** Exit status 1, and the one line that says what mends it, when something cannot be had. */
async function obtain(what: (log: (line: string) => void) => Promise<unknown>): Promise<void> {
  try {
    await what((line) => console.error(line));
  } catch (error) {
    console.error(error instanceof StackError ? error.message : error);
    process.exitCode = 1;
  }
}

await obtain(obtainEngines);
// Only tests need it: nobody who starts calltally shall have a browser installed.
if (process.argv.includes('--chromium')) await obtain(obtainChromium);
