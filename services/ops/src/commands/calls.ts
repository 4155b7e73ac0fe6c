import { formatInstant, ID_RULE, isId } from '@calltally/domain';
import { type CallContent, contentOf, rowId, type Source, type Store } from '@calltally/store';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { requireUserId } from '../options.ts';
import { table } from '../table.ts';

interface Options {
  user: string;
  json?: true;
}

const HELP = `
A call counts as its highest revision says. Each line is an event that changed what is counted, in the order in which they
arrived; duplicates and outdated revisions change nothing and are not kept.

Examples:
  $ calltally calls show --user acme c-20260301-0001
  $ calltally calls show --user acme c-20260301-0001 --json`;

/** `calls show`: what is counted of a call, and every event that led there. */
export function addCalls(program: Command, context: Context): void {
  program
    .command('calls')
    .description('single calls')
    .command('show')
    .description('what is counted of a call, and every event that led there')
    .requiredOption('--user <user_id>', 'whose call it is')
    .argument('<call_id>', 'as in the event')
    .option('--json', 'print {"call_id", "user_id", "revision", "counted", "events": [{"revision", …}]}')
    .addHelpText('after', HELP)
    .action((callId: string, options: Options) => showCall(callId, options, context));
}

async function showCall(callId: string, { user, json }: Options, context: Context): Promise<void> {
  const userId = requireUserId(user);
  if (!isId(callId)) throw new CommandError('CALL_ID_INVALID', `a call_id is ${ID_RULE}`);
  const events = await context.withStore((store) => eventsOf(store, { userId, callId }));
  const last = events.at(-1);
  if (last === undefined) {
    throw new CommandError(
      'CALL_UNKNOWN',
      `${userId} has no call ${callId}; lag tells whether its event is counted yet, dlq list whether it was rejected`,
    );
  }
  const { revision, counts } = last;
  if (json) return context.printJson({ call_id: callId, user_id: userId, revision, counted: counts, events });
  context.print(`call      ${callId} of ${userId}`);
  context.print(`counted   ${counts ? wordsOf(counts) : 'not, it was deleted'} (revision ${revision})`);
  const cells = events.map(({ revision, source, counts: one }) => [
    revision,
    `${source.topic_epoch}:${source.partition}:${source.offset}`,
    one?.started_at ?? 'deleted',
    one?.duration_seconds ?? '',
    one?.agent_id ?? '',
    one?.direction ?? '',
    one?.status ?? '',
  ]);
  const headings = ['REVISION', 'EVENT', 'STARTED', 'SECONDS', 'AGENT', 'DIRECTION', 'STATUS'];
  for (const line of table(headings, cells)) context.print(line);
}

/** What an event made of a call; `counts` is null if it deleted the call. */
interface EventView {
  revision: number;
  source: { topic_epoch: number; partition: number; offset: number };
  counts: ContentView | null;
}

async function eventsOf(
  { calls, corrections }: Store,
  call: { userId: string; callId: string },
): Promise<EventView[]> {
  const id = rowId(call);
  const [rows, chains] = await Promise.all([calls.find([id]), corrections.of([id])]);
  const row = rows.get(id);
  const first = row ? [viewOf(row.revision ?? 0, row.source, contentOf(row))] : [];
  const later = chains.get(id)!.map(({ revision, source, plus }) => viewOf(revision, source, plus));
  return [...first, ...later];
}

function viewOf(
  revision: number,
  { stream, partition, offset }: Source,
  content: CallContent | undefined,
): EventView {
  const source = { topic_epoch: stream, partition, offset };
  return { revision, source, counts: content === undefined ? null : contentView(content) };
}

type ContentView = ReturnType<typeof contentView>;

/** As in the event; the start is in UTC. */
function contentView({ started_at, duration_ms, agent_id, direction, status }: CallContent) {
  return {
    started_at: formatInstant(started_at.getTime()),
    duration_seconds: duration_ms / 1_000,
    ...(agent_id !== undefined && { agent_id }),
    ...(direction !== undefined && { direction }),
    ...(status !== undefined && { status }),
  };
}

function wordsOf({ started_at, duration_seconds, status }: ContentView): string {
  return [`${started_at}, ${duration_seconds} s`, ...(status === undefined ? [] : [status])].join(', ');
}
