import { type Command, Option } from 'commander';
import { differenceJson, differenceText } from '../audit/differences.ts';
import { requireKnown } from '../audit/require-known.ts';
import { verify, type Whom } from '../audit/verify-run.ts';
import type { Context } from '../context.ts';
import { withLedger } from '../ledger-connection.ts';
import { requireUserId, wholeNumber } from '../options.ts';

interface Options {
  user?: string;
  sample?: number;
  all?: true;
  repair?: true;
  json?: true;
}

const SAMPLE_MAX = 10_000;
const HELP = `
Each user's counters are read at one moment and compared with the rows that they claim to count, so ingest goes on and
a difference is real. Users that Redis does not know are answered from Mongo; they are told as cold, not as different.
Of those that are being filled, what is filled is compared; the rest is answered from Mongo.
--sample looks at users by chance, those with many calls more likely. Exit status 1 when there is a difference that
was not repaired.

--json prints a line for each event: "difference" with "user_id", "bucket", "has", "should_have"; "progress" every
second, with "rows" added up so far; "end" with "users", "cold", "filling", "drifted", "repaired", "differences",
"seconds", "complete".

Examples:
  $ calltally verify --user acme
  $ calltally verify --sample 500
  $ calltally verify --all --repair --json`;

/** `verify`: what Redis has and what it should have. */
export function addVerify(program: Command, context: Context): void {
  const command = program
    .command('verify')
    .description('compare counters in Redis with the rows in Mongo, while everything goes on')
    .addOption(new Option('--user <user_id>', 'this one alone').conflicts(['sample', 'all']))
    .addOption(
      new Option('--sample <n>', `some users by chance, 1 to ${SAMPLE_MAX}`)
        .argParser(wholeNumber(1, SAMPLE_MAX))
        .conflicts(['user', 'all']),
    )
    .option('--all', 'everybody who has calls')
    .option('--repair', 'make counters that differ anew')
    .option('--json', 'print an object a line: "difference", "progress", "end"')
    .addHelpText('after', HELP)
    .action((options: Options) => {
      const whom = whomOf(options) ?? command.error('error: give --user, --sample or --all');
      return verifyCounters(whom, options, context);
    });
}

function whomOf({ user, sample, all }: Options): Whom | undefined {
  if (user !== undefined) return { userId: requireUserId(user) };
  if (sample !== undefined) return { sample };
  return all ? { all } : undefined;
}

async function verifyCounters(whom: Whom, { repair, json }: Options, context: Context): Promise<void> {
  const done = await withLedger(context, async (ledger) => {
    if ('userId' in whom) await requireKnown(ledger, whom.userId);
    return verify(
      ledger,
      { whom, repair: repair === true, slots: context.settings().fill.slots },
      {
        onDifferences(differences) {
          for (const one of differences) {
            if (json) context.printJson({ event: 'difference', ...differenceJson(one) });
            else context.print(differenceText(one));
          }
        },
        onProgress({ users, cold, filling, drifted }, rows) {
          if (json) context.printProgress(() => ({ event: 'progress', users, rows, cold, filling, drifted }));
        },
      },
      context.io.signal,
    );
  });
  const { users, cold, filling, drifted, repaired, differences, complete } = done;
  const seconds = context.seconds();
  if (json) context.printJson({ event: 'end', ...done, seconds });
  else {
    const found = `${users} users: ${drifted} differ in ${differences} buckets, ${cold} unknown to Redis, ${filling} being filled`;
    const mended = repair ? `, ${repaired} repaired` : '';
    context.print(`${found}${mended}, ${seconds} s${complete ? '' : '; stopped before the end'}`);
  }
  if (drifted > repaired || !complete) context.failed();
}
