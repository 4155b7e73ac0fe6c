import type { Command } from 'commander';
import type { Context } from '../context.ts';
import type { FoundDeadLetter } from '../dead-letters/dead-letter-client.ts';
import { LETTER_HEADINGS, letterLine, letterView } from '../dead-letters/letter-view.ts';
import { addFilters, countingNumber, type Filters, selectionOf } from '../dead-letters/selection.ts';
import { withDeadLetters } from '../dead-letters.ts';
import { safeJson } from '../shown.ts';

interface Options extends Filters {
  all?: true;
  limit?: number;
  json?: true;
}

const HELP = `
Letters stand in the order of their partition, the oldest first. The filters go together: a letter is listed that all
of them let through. ID is what dlq show, retry and discard take.

Examples:
  $ calltally dlq list
  $ calltally dlq list --code STARTED_AT_IN_FUTURE --since 2026-03-01 --limit 20
  $ calltally dlq list --all --json`;

/** `dlq list`: the dead letters there are now, read from the first to the last. */
export function addDlqList(dlq: Command, context: Context): void {
  const command = dlq.command('list').description('dead letters that nobody has retried or discarded');
  addFilters(command)
    .option('--all', 'those that were retried or discarded, too')
    .option('--limit <number>', 'at most so many', countingNumber)
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
        if (!all && isSettled(one)) continue;
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

/** A letter that is being retried is not settled: nobody knows yet whether it was published. */
function isSettled({ mark }: FoundDeadLetter): boolean {
  return mark?.state === 'retried' || mark?.state === 'discarded';
}
