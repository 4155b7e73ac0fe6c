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
 * @param args what stands behind `calltally` on the command line
 * @returns the exit status: 0 only when what was asked is so, 2 for a command line that cannot be read, 130 when
 *   it was asked to stop, 1 for everything else. Never rejects: a failure is one line on `io.stderr`, or with
 *   `--json` an object `{error: {code, message}}`.
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
    // A bare `calltally` has been answered with its help.
    if (thrown instanceof CommanderError && thrown.code === 'commander.help') return EXIT_USAGE;
    io.stderr.write(failureLine(thrown, args));
    status = thrown instanceof CommanderError ? EXIT_USAGE : EXIT_FAILED;
  }
  return io.signal.aborted ? EXIT_STOPPED : status;
}

/** How a failure is told to who typed `args`: a line, with its end. */
export function failureLine(thrown: unknown, args: readonly string[]): string {
  const failure = failureOf(thrown);
  const line = args.includes('--json')
    ? safeJson({ error: failure })
    : escapeUnsafe(`calltally: ${failure.message} (${failure.code})`);
  return `${line}\n`;
}
