import { CommandError } from './failure.ts';
import { EXIT_FAILED, failureLine, runCalltally } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: who asks a second time does not want to wait for what is on its way.
  process.once(signal, () => stopping.abort());
}
const args = process.argv.slice(2);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe, such as `head`, has seen enough.
  if (error.code !== 'EPIPE') process.stderr.write(failureLine(unwritable(error), args));
  process.exit(EXIT_FAILED);
});
// Nobody is left to be told.
process.stderr.on('error', () => {});

process.exitCode = await runCalltally(args, {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopping.signal,
});

function unwritable({ message }: Error): CommandError {
  const remedy = 'make room or write elsewhere, and see what was done before you repeat it';
  return new CommandError('OUTPUT_UNWRITABLE', `standard output cannot be written (${message}); ${remedy}`);
}
