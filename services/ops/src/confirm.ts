import { createInterface } from 'node:readline/promises';
import type { Context } from './context.ts';
import { CommandError } from './failure.ts';

/**
 * Asks on the terminal for a word that nobody types by mistake.
 * @param what what is done then, as in "to begin"
 * @param without the option that needs --yes where nobody can be asked
 * @throws CommandError CONFIRMATION_MISSING
 */
export async function confirm(word: string, what: string, without: string, { io }: Context): Promise<void> {
  if (!io.stdin.isTTY) {
    throw new CommandError(
      'CONFIRMATION_MISSING',
      `nothing was done; without a terminal, ${without} needs --yes`,
    );
  }
  const lines = createInterface({ input: io.stdin, output: io.stderr });
  try {
    const answer = await lines.question(`type ${word} ${what}: `, { signal: io.signal });
    if (answer.trim() === word) return;
  } finally {
    lines.close();
  }
  throw new CommandError('CONFIRMATION_MISSING', 'nothing was done');
}
