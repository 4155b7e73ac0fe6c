import { StackError } from './errors.ts';
import { obtainEngines } from './obtain/all.ts';

/** Exit status 1, and the one line that says what mends it, when an engine cannot be had. */
try {
  await obtainEngines((line) => console.error(line));
} catch (error) {
  console.error(error instanceof StackError ? error.message : error);
  process.exitCode = 1;
}
