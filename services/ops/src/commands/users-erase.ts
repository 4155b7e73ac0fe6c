import { type ErasureStep, eraseUser, type LedgerContext, type PartitionWait } from '@calltally/ledger';
import type { Store, TopicEnds } from '@calltally/store';
import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import { confirm } from '../confirm.ts';
import type { Context } from '../context.ts';
import { forgetLetters } from '../erasure/letters.ts';
import { type KeptTopic, keptTopics } from '../erasure/reach.ts';
import { opsKafka, withAdmin } from '../kafka.ts';
import { withLedgerConnection } from '../ledger-connection.ts';
import { requireUserId } from '../options.ts';
import { progressBar } from '../progress-bar.ts';
import { requireTopic } from '../topic-view.ts';

interface Options {
  user: string;
  dryRun?: true;
  yes?: true;
  json?: true;
}

const LETTERS_BAR = '{bar} {percentage}% | {value} of {total} dead letters read | {eta_formatted} left';
const TELL_EVERY_MS = 5_000;
const HELP = `
Deletes the user's calls, corrections, counters, hooks, and the statuses of their dead letters; revokes their API keys and
removes the user from them. Ingest and dashboards go on. Events of the user that Kafka has acknowledged before it is
finished are never counted again, also by replay and rebuild; later ones count, as those of a new user.

It waits until ingest has stored what was on the topic when it began, so ingest must run. If it is stopped or killed, it
can be run again, and a running ingest finishes it. Once it is finished, running it again also erases what came since.

It cannot reach the topics, which keep their events until retention, and backups, Redis dumps and logs.

--json prints a line for each event: "found" with "calls", "keys", "hooks" and "kept"; "step"; "waiting" with "partitions" every
second; "end" with "deleted", "letters", "statuses", "ends", "kept", "seconds".

Examples:
  $ calltally users erase --user acme --dry-run
  $ calltally users erase --user acme`;

type Isolation = 'acknowledged' | 'stable';

const STEPS: Record<ErasureStep, string> = {
  known: 'events of the user are dropped from now on',
  revoked: 'API keys are revoked, and hooks deleted',
  deleted: 'rows and corrections are deleted',
  stored: 'what was on the topic is stored',
  'deleted again': 'what was written meanwhile is deleted',
  forgotten: 'counters are deleted',
  finished: 'later events count, as those of a new user',
};

/** `users erase`: deletes everything of a user, for good. */
export function addUsersErase(users: Command, context: Context): void {
  users
    .command('erase')
    .description(
      'delete everything of a user, and never count their events again; exit status 0 once that is so',
    )
    .requiredOption('--user <user_id>', 'the user')
    .option('--dry-run', 'say what would be deleted and what cannot be reached, and change nothing')
    .option('--yes', 'do not ask')
    .option('--json', 'print an object a line: "found", "step", "waiting", "end"')
    .addHelpText('after', HELP)
    .action((options: Options) => erase(options, context));
}

async function erase(options: Options, context: Context): Promise<void> {
  const { user, yes } = options;
  const [dryRun, json] = [options.dryRun === true, options.json === true];
  const userId = requireUserId(user);
  const settings = context.settings();
  const { topic, dlqTopic } = settings.kafka;
  const { signal, stderr } = context.io;
  const say = (value: object, line: string) => (json ? context.printJson(value) : context.print(line));
  // First, because another erasure would also erase what comes after this one.
  const letterWork = (store: Store) => {
    const bar = progressBar(stderr, LETTERS_BAR);
    const parts = { userId, dryRun, onProgress: bar.update, signal };
    return forgetLetters(settings, store, parts).finally(() => bar.stop());
  };
  await withLedgerConnection(context, (connection, store) =>
    withAdmin(opsKafka(settings.kafka), async (admin) => {
      await requireTopic(admin, topic);
      const kept = await keptTopics(admin, [topic, dlqTopic]);
      const found = await find(store, userId);
      say({ event: 'found', user_id: userId, ...found, kept }, foundText(userId, found));
      if (!json) for (const line of keptLines(kept)) context.print(line);
      if (!dryRun && !yes) await confirm(userId, 'to erase this user', 'users erase', context);
      const letters = await letterWork(store);
      let deleted = 0;
      const work = {
        store,
        use: <T>(one: (ledger: LedgerContext) => Promise<T>) => connection.use(one, signal),
        endsOf: (isolation: Isolation) => endsOf(admin, topic, isolation),
        onStep: (step: ErasureStep) => say({ event: 'step', step }, STEPS[step]),
        onDeleted(more: number) {
          deleted += more;
        },
        onWaiting: waitingTeller(json, context),
        signal,
      };
      const erasure = dryRun ? undefined : await eraseUser(work, userId);
      const seconds = context.seconds();
      const { letters: count, statuses } = letters;
      const ends = erasure?.ends ?? [];
      const end = { event: 'end', user_id: userId, deleted, ...letters, ends, kept, seconds };
      const what = dryRun ? 'nothing was changed' : `${deleted} documents deleted`;
      const status = dryRun ? 'with a status' : 'statuses deleted';
      say(end, `${what}; ${count} dead letters, ${statuses} ${status}, ${seconds} s`);
    }),
  );
}

interface Found {
  calls: number;
  keys: number;
  /** Those that always bring the user's calls. */
  hooks: number;
  state: string | null;
}

async function find(store: Store, userId: string): Promise<Found> {
  const [calls, keys, hooks, erasures] = await Promise.all([
    store.users.callsOf(userId),
    store.apiKeys.list(userId),
    store.hooks.list(userId),
    store.erasures.of([userId]),
  ]);
  return { calls, keys: keys.length, hooks: hooks.length, state: erasures.get(userId)?.state ?? null };
}

function foundText(userId: string, { calls, keys, hooks, state }: Found): string {
  const before =
    state === null ? '' : state === 'finished' ? ', erased before' : ', an erasure is not finished';
  return `${userId}: ${calls} calls, ${keys} API keys, ${hooks} hooks${before}`;
}

function* keptLines(kept: readonly KeptTopic[]): Generator<string> {
  yield 'not reached: backups, Redis dumps, logs, and';
  for (const { topic, retention_days: days } of kept) {
    yield `  ${topic}, ${days === null ? 'which the brokers do not say to forget anything' : `which keeps events for ${days} days`}`;
  }
}

async function endsOf(admin: Admin, topic: string, isolation: Isolation): Promise<TopicEnds['ends']> {
  const offsets = await admin.fetchTopicOffsets(topic, { readUncommitted: isolation === 'acknowledged' });
  return offsets.map(({ partition, high }) => ({ partition, offset: Number(high) - 1 }));
}

/** Tells at most every few seconds which partitions are waited for. */
function waitingTeller(json: boolean, context: Context) {
  let toldAtMs = performance.now();
  return (partitions: readonly PartitionWait[]): void => {
    if (json) {
      context.printProgress(() => ({ event: 'waiting', partitions }));
      return;
    }
    if (performance.now() - toldAtMs < TELL_EVERY_MS) return;
    toldAtMs = performance.now();
    for (const { partition, stored, until } of partitions) {
      context.warn(
        `waiting for ingest: partition ${partition} is stored through ${stored}, and must be through ${until}`,
      );
    }
  };
}
