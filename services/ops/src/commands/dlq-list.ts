import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { LETTER_HEADINGS, letterLine, letterView } from '../dead-letters/letter-view.ts';
import { addFilters, type Filters, selectionOf } from '../dead-letters/selection.ts';
import { withDeadLetters } from '../dead-letters/with-dead-letters.ts';
import { NUMBER_MAX, wholeNumber } from '../options.ts';
import { safeJson } from '../terminal-safe.ts';

interface Options extends Filters {
  all?: true;
  limit?: number;
  json?: true;
}

const HELP = `
Letters are listed by partition, the oldest first. A letter is listed if it matches all filters. ID is what dlq show,
retry and discard take.

Examples:
  $ calltally dlq list
  $ calltally dlq list --code STARTED_AT_IN_FUTURE --since 2026-03-01 --limit 20
  $ calltally dlq list --all --json`;

/** `dlq list`: reads the dead letters from the first to the last one there is now. */
export function addDlqList(dlq: Command, context: Context): void {
  const command = dlq.command('list').description('dead letters that nobody has retried or discarded');
  addFilters(command)
    .option('--all', 'also those that were retried or discarded')
    .option('--limit <number>', 'at most this many', wholeNumber(1, NUMBER_MAX))
    .option('--json', 'print {"letters": [{"id", "failed_at", "code", …}], "more": whether there are others}')
    .addHelpText('after', HELP)
    .action((options: Options) => listLetters(command, options, context));
}

async function listLetters(command: Command, options: Options, context: Context): Promise<void> {
  const { all = false, json = false, limit = Number.POSITIVE_INFINITY } = options;
  const selection = selectionOf(command, [], options);
  await withDeadLetters(context, selection, json, async ({ scan, say }) => {
    let listed = 0;
    let more = false;
    if (json) await say('{"letters":[');
    await scan(async (found) => {
      for (const one of found) {
        if (!all && one.status !== undefined) continue;
        more = listed >= limit;
        if (more) return false;
        if (json) await say(`${listed === 0 ? '' : ','}${safeJson(letterView(one))}`);
        else {
          if (listed === 0) await say(LETTER_HEADINGS);
          await say(letterLine(one));
        }
        listed++;
      }
      return true;
    });
    if (json) await say(`],"more":${more}}`);
    else
      await say(
        `${listed === 0 ? 'no' : listed} ${listed === 1 ? 'letter' : 'letters'}${more ? ', and there are more' : ''}`,
      );
  });
}
