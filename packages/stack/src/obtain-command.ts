import { toldOf } from './errors.ts';
import { obtainEngines } from './obtain/all.ts';
import { obtainActionlint, obtainHelm } from './obtain/go-commands.ts';
import { CHROMIUM, HAPROXY, obtainTool, obtainTools, REDIS_CLI } from './obtain/tools.ts';

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
// `npm start` needs none of these, and must not install a browser.
if (process.argv.includes('--chromium')) await obtain((log) => obtainTool(CHROMIUM, log));
if (process.argv.includes('--cluster')) await obtain((log) => obtainTools([REDIS_CLI, HAPROXY], log));
if (process.argv.includes('--actionlint')) await obtain(obtainActionlint);
if (process.argv.includes('--helm')) await obtain(obtainHelm);
