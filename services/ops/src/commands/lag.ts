import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { readLag } from '../partition-lags.ts';
import { table } from '../table.ts';

const HELP = `
COMMITTED and END are offsets of the next event; BEHIND is what lies between; STORED is the last offset that is in
Mongo with everything before it.

Examples:
  $ calltally lag
  $ calltally lag --json`;

/** `lag`: how far ingest is behind producers. */
export function addLag(program: Command, context: Context): void {
  program
    .command('lag')
    .description('how far ingest is behind, in events and seconds, by partition')
    .option('--json', 'print {"topic", "group", "behind", "seconds_behind", "as_of", "partitions": […]}')
    .addHelpText('after', HELP)
    .action((options: { json?: true }) => lag(options, context));
}

async function lag({ json }: { json?: true }, context: Context): Promise<void> {
  const { kafka } = context.settings();
  const found = await context.withStore((store) => readLag(kafka, store));
  if (json) return context.printJson(found);
  const lines = table(
    ['PARTITION', 'COMMITTED', 'END', 'BEHIND', 'STORED'],
    found.partitions.map((one) => [
      one.partition,
      one.committed ?? 'none',
      one.end,
      one.behind,
      one.stored ?? 'none',
    ]),
  );
  context.print(`topic ${found.topic}, group ${found.group}`);
  for (const line of lines) context.print(line);
  const seconds = found.seconds_behind === null ? '' : `, ${found.seconds_behind} s`;
  context.print(
    `${found.behind} behind${seconds}${found.as_of === null ? '' : `; in Mongo as of ${found.as_of}`}`,
  );
}
