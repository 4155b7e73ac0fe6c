import { type Command, Option } from 'commander';
import { printDifferences } from '../audit/differences.ts';
import { requireKnown } from '../audit/require-known.ts';
import { type VerifyHooks, verify, type Whom } from '../audit/verify-run.ts';
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
Each user's counters are read at one moment and compared with the rows that they claim to count. So ingest goes on, and
a difference is real. Cold users, whom Redis does not know, are no difference: they are answered from Mongo. Of users that
are being filled, the filled part is compared. --sample picks users at random, those with many calls more likely. Exit
status 1 if a difference was found and not repaired.

--json prints a line for each event: "difference" with "user_id", "bucket", "has", "should_have"; "progress" every
second, with "rows" added up so far; "end" with "users", "cold", "filling", "drifted", "repaired", "differences",
"seconds", "complete".

Examples:
  $ calltally verify --user acme
  $ calltally verify --sample 500
  $ calltally verify --all --repair --json`;

/** `verify`: compares what Redis has with what it should have. */
export function addVerify(program: Command, context: Context): void {
  const command = program
    .command('verify')
    .description('compare counters in Redis with the rows in Mongo, while everything goes on')
    .addOption(new Option('--user <user_id>', 'only this user').conflicts(['sample', 'all']))
    .addOption(
      new Option('--sample <n>', `a random sample of users, 1 to ${SAMPLE_MAX}`)
        .argParser(wholeNumber(1, SAMPLE_MAX))
        .conflicts(['user', 'all']),
    )
    .option('--all', 'all users who have calls')
    .option('--repair', 'repair counters that differ')
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

async function verifyCounters(whom: Whom, options: Options, context: Context): Promise<void> {
  const { repair = false, json = false } = options;
  const { slots } = context.settings().fill;
  const hooks: VerifyHooks = {
    onDifferences: (found) => printDifferences(found, json, context),
    onProgress({ users, cold, filling, drifted }, rows) {
      if (json) context.printProgress(() => ({ event: 'progress', users, rows, cold, filling, drifted }));
    },
  };
  const done = await withLedger(context, async (ledger) => {
    if ('userId' in whom) await requireKnown(ledger, whom.userId);
    return verify(ledger, { whom, repair, slots }, hooks, context.io.signal);
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
