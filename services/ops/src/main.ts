import { runCalltally } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Once: who asks a second time does not want to wait for what is on its way.
  process.once(signal, () => stopping.abort());
}
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // The reader of a pipe, such as `head`, has seen enough.
  if (error.code === 'EPIPE') process.exit(1);
  throw error;
});

process.exitCode = await runCalltally(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: stopping.signal,
});
