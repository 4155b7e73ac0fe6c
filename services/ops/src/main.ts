import { CommandError } from './failure.ts';
import { EXIT_FAILED, failureLine, runCalltally } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: the second signal ends the process at once.
  process.once(signal, () => stopping.abort());
}
const args = process.argv.slice(2);
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EPIPE: the reader of a pipe, such as `head`, has read enough.
  if (error.code !== 'EPIPE') process.stderr.write(failureLine(unwritable(error), args));
  process.exit(EXIT_FAILED);
});
// There is nowhere left to report it.
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
  const remedy = 'free some space or write elsewhere, and check what was done before you run it again';
  return new CommandError('OUTPUT_UNWRITABLE', `standard output cannot be written (${message}); ${remedy}`);
}
