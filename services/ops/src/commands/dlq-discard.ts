import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { Claims } from '../dead-letters/claims.ts';
import { addFilters, collectId, type Filters, selectionOf } from '../dead-letters/selection.ts';
import { withDeadLetters } from '../dead-letters.ts';

interface Options extends Filters {
  again?: true;
  yes?: true;
  json?: true;
}

const HELP = `
A discarded letter stays where it is until its topic lets go of it; dlq list --all shows it, and dlq retry ID --again
publishes it after all.

Examples:
  $ calltally dlq discard 0:17 --yes
  $ calltally dlq discard --code EVENT_EMPTY --until 2026-03-01 --yes`;

/** `dlq discard`: marks letters that nobody wants, and deletes nothing. */
export function addDlqDiscard(dlq: Command, context: Context): void {
  const command = dlq
    .command('discard')
    .description('leave dead letters out of lists and retries; deletes nothing')
    .argument(
      '[ids...]',
      'partition:offset each; without them all open letters that the filters let through',
      collectId,
    );
  addFilters(command)
    .option('--again', 'take over letters whose retry was interrupted; with ids, also retried ones')
    .option('--yes', 'needed')
    .option('--json', 'print {"discarded", "already", "problems"}; problems go to standard error')
    .addHelpText('after', HELP)
    .action((ids: string[] = [], options: Options) => discardLetters(command, ids, options, context));
}

async function discardLetters(
  command: Command,
  ids: string[],
  options: Options,
  context: Context,
): Promise<void> {
  const { again = false, json = false } = options;
  const selection = selectionOf(command, ids, options);
  const named = ids.length > 0;
  if (!named && Object.keys(selection.filters).length === 0) command.error('error: give ids or filters');
  if (!options.yes) command.error('error: dlq discard needs --yes; dlq list says what it would be about');
  await withDeadLetters(context, selection, json, async (command) => {
    const { client, scan, say, report } = command;
    const claims = new Claims(client.store.deadLetterStatuses, { state: 'discarded', named, again }, report);
    let discarded = 0;
    await scan(async (found) => {
      discarded += (await claims.claim(await claims.free(found), 'discarded')).length;
      return true;
    });
    const { problems } = command;
    if (json) return say(JSON.stringify({ discarded, already: claims.done, problems }));
    const parts = [`${discarded} discarded`];
    if (claims.done > 0) parts.push(`${claims.done} discarded before`);
    if (problems > 0) parts.push(`${problems} not`);
    await say(parts.join(', '));
  });
}
