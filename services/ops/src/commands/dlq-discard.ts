import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { addFilters, addIds, type SettleOptions, settleSelection } from '../dead-letters/selection.ts';
import { lettersToSettle, settle } from '../dead-letters/settle.ts';
import { withDeadLetters } from '../dead-letters/with-dead-letters.ts';

const HELP = `
A discarded letter stays on its topic until it expires; dlq list --all shows it, and dlq retry ID --again publishes it
after all.

Examples:
  $ calltally dlq discard 0:17 --yes
  $ calltally dlq discard --code EVENT_EMPTY --until 2026-03-01 --yes`;

/** `dlq discard`: marks letters that nobody wants, and deletes nothing. */
export function addDlqDiscard(dlq: Command, context: Context): void {
  const command = dlq
    .command('discard')
    .description('leave dead letters out of lists and retries; deletes nothing');
  addFilters(addIds(command))
    .option('--again', 'with ids: discard letters that were retried, too')
    .option('--yes', 'required')
    .option('--json', 'print {"discarded", "already", "problems"}; problems go to standard error')
    .addHelpText('after', HELP)
    .action((ids: string[] = [], options: SettleOptions) => discardLetters(command, ids, options, context));
}

async function discardLetters(
  command: Command,
  ids: string[],
  options: SettleOptions,
  context: Context,
): Promise<void> {
  const { json = false } = options;
  const { selection, named, again } = settleSelection(command, ids, options);
  if (!named && Object.keys(selection.filters).length === 0) command.error('error: give ids or filters');
  if (!options.yes)
    command.error('error: dlq discard needs --yes; dlq list shows which letters it would discard');
  await withDeadLetters(context, selection, json, async (run) => {
    let discarded = 0;
    let already = 0;
    await run.scan(async (found) => {
      const chosen = await lettersToSettle(found, { state: 'discarded', named, again }, run.report);
      await settle(run.client, chosen.letters, 'discarded');
      discarded += chosen.letters.length;
      already += chosen.already;
      return true;
    });
    const { problems } = run;
    if (json) return run.say(JSON.stringify({ discarded, already, problems }));
    const parts = [`${discarded} discarded`];
    if (already > 0) parts.push(`${already} discarded before`);
    if (problems > 0) parts.push(`${problems} not`);
    await run.say(parts.join(', '));
  });
}
