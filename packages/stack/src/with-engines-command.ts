import { toldOf } from './errors.ts';
import { withEngines } from './with-engines.ts';

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error('usage: with-engines COMMAND [ARGUMENT…]');
  process.exitCode = 2;
} else {
  try {
    process.exitCode = await withEngines(command, args);
  } catch (error) {
    console.error(toldOf(error));
    process.exitCode = 1;
  }
}
