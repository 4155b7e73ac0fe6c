import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { type PartitionLag, readLag } from '../partition-lags.ts';
import { table } from '../table.ts';

const HELP = `
COMMITTED and END are offsets of the next event, and BEHIND and SECONDS the distance between them. Everything through
STORED is in Mongo, everything through COUNTED is in Redis. If a partition is behind, the command reads again 5 seconds
later: a partition whose committed offset has not moved is stuck, and the reason is printed if it is known. A topic that
was deleted and created again is refused by ingest. Offsets that could not be read are dead letters and hold up nothing.
Exit status 1 if a partition is stuck or recreated.

Examples:
  $ calltally lag
  $ calltally lag --json`;

/** `lag`: how far ingest is behind producers, and whether it makes progress. */
export function addLag(program: Command, context: Context): void {
  program
    .command('lag')
    .description(
      'how far ingest is behind, in events and seconds, by partition, and which partitions are stuck',
    )
    .option('--json', 'print {"topic", "group", "behind", "seconds_behind", "as_of", "partitions": […]}')
    .addHelpText('after', HELP)
    .action((options: { json?: true }) => lag(options, context));
}

async function lag({ json }: { json?: true }, context: Context): Promise<void> {
  const settings = context.settings();
  const found = await context.withStore((store) => readLag(settings, store, context.io.signal));
  const ill = found.partitions.filter(({ state }) => state === 'stuck' || state === 'recreated');
  if (ill.length > 0) context.failed();
  if (json) return context.printJson(found);
  const lines = table(
    ['PARTITION', 'COMMITTED', 'END', 'BEHIND', 'SECONDS', 'STORED', 'COUNTED', 'STATE'],
    found.partitions.map((one) => [
      one.partition,
      one.committed ?? 'none',
      one.end,
      one.behind,
      one.seconds_behind ?? 'unknown',
      one.stored ?? 'none',
      one.counted ?? 'none',
      one.state,
    ]),
  );
  context.print(`topic ${found.topic}, stream ${found.stream}, group ${found.group}`);
  for (const line of lines) context.print(line);
  const seconds = found.seconds_behind === null ? '' : `, ${found.seconds_behind} s`;
  context.print(
    `${found.behind} behind${seconds}${found.as_of === null ? '' : `; in Mongo as of ${found.as_of}`}`,
  );
  for (const line of ill.map(remedy)) context.print(line);
  for (const { partition, unreadable } of found.partitions) {
    if (unreadable === null) continue;
    const { first, through, at } = unreadable;
    context.print(
      `partition ${partition}: offsets ${first} to ${through} could not be read at ${at}; see dlq list --code RECORD_UNREADABLE`,
    );
  }
}

function remedy({ partition, state, end, stored, reason, committed }: PartitionLag): string {
  if (state !== 'stuck') {
    return `partition ${partition} ends at ${end} and is stored through ${stored}: recreated; see replay --new-stream`;
  }
  if (reason === null) {
    return `partition ${partition} is stuck: nothing was committed for 5 s; does ingest run, and what does its log say?`;
  }
  return `partition ${partition} is stuck at ${committed ?? 'its first offset'}: ${reason}; ${remedyOf(reason)}`;
}

/** What to do about a reason, in short; docs/operations.md has the details. */
function remedyOf(reason: string): string {
  if (reason === 'KAFKA_TRANSACTION_OPEN') {
    return 'a transaction is open: it ends with its producer, or kafka-transactions.sh finds and aborts it';
  }
  if (reason === 'INGEST_DEAD_LETTERS_UNAVAILABLE') {
    return 'is the dead-letter topic there, and may ingest write to it?';
  }
  if (reason.startsWith('KAFKA_')) return 'the brokers do not give what is there; what do their logs say?';
  return 'see docs/operations.md for the code, and the log of ingest';
}
