import { escapeUnsafe } from '@calltally/domain';
import { checkConfigOnly } from '@calltally/settings';
import { CommanderError } from 'commander';
import { createContext } from './context.ts';
import { failureOf } from './failure.ts';
import type { Io } from './io.ts';
import { createProgram } from './program.ts';
import { safeJson } from './terminal-safe.ts';

export const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_STOPPED = 130;

/**
 * Runs one command.
 *
 * @param args the command line behind `calltally`
 * @returns the exit status: 0 only when everything that was asked for was done, 2 for an invalid command line, 130
 *   after a stop, 1 otherwise. Never rejects: a failure is one line on `io.stderr`, with `--json` an object
 *   `{error: {code, message}}`.
 */
export async function runCalltally(args: readonly string[], io: Io): Promise<number> {
  let status = 0;
  const context = createContext(io, () => {
    status = EXIT_FAILED;
  });
  try {
    if (checkConfigOnly(args)) {
      context.settings();
      context.print('the settings can be used');
    } else {
      await createProgram(context).parseAsync(args, { from: 'user' });
    }
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return 0;
    // `calltally` alone has printed its help.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT_USAGE;
    io.stderr.write(failureLine(thrown, args));
    status = thrown instanceof CommanderError ? EXIT_USAGE : EXIT_FAILED;
  }
  return io.signal.aborted ? EXIT_STOPPED : status;
}

/** The line that reports a failure, with its line end. */
export function failureLine(thrown: unknown, args: readonly string[]): string {
  const failure = failureOf(thrown);
  const line = args.includes('--json')
    ? safeJson({ error: failure })
    : escapeUnsafe(`calltally: ${failure.message} (${failure.code})`);
  return `${line}\n`;
}
