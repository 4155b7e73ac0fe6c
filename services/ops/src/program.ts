import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addCalls } from './commands/calls.ts';
import { addCapacity } from './commands/capacity.ts';
import { addDlqDiscard } from './commands/dlq-discard.ts';
import { addDlqList } from './commands/dlq-list.ts';
import { addDlqRetry } from './commands/dlq-retry.ts';
import { addDlqShow } from './commands/dlq-show.ts';
import { addHooksCreate } from './commands/hooks-create.ts';
import { addHooksDelete } from './commands/hooks-delete.ts';
import { addHooksList } from './commands/hooks-list.ts';
import { addHooksRekey } from './commands/hooks-rekey.ts';
import { addHooksRotate } from './commands/hooks-rotate.ts';
import { addHooksTest } from './commands/hooks-test.ts';
import { addImport } from './commands/import.ts';
import { addKeys } from './commands/keys.ts';
import { addLag } from './commands/lag.ts';
import { addPublish } from './commands/publish.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addReplay } from './commands/replay.ts';
import { addUpgrade } from './commands/upgrade.ts';
import { addUsersErase } from './commands/users-erase.ts';
import { addUsersList } from './commands/users-list.ts';
import { addVerify } from './commands/verify.ts';
import { addWarming } from './commands/warming.ts';
import type { Context } from './context.ts';

const EPILOGUE = `
Settings come from the environment (docs/settings.md): KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_GROUP_ID, REDIS_URL,
MONGODB_URI and others. Settings that are not in the environment are read from .calltally/stack.json while \`npm start\`
runs in the current directory. --check-config checks the settings and stops.

Exit status: 0 only when everything that was asked for was done, 2 for an invalid command line, 1 otherwise.
Every command takes --json: one object on standard output, an error as {"error":{"code","message"}} on standard error.

Examples:
  $ calltally keys create --user acme
  $ calltally publish calls.ndjson
  $ calltally lag --json
  $ calltally dlq list`;

/** The command line. Its actions throw, and nothing in it ends the process. */
export function createProgram(context: Context): Command {
  const { stdout, stderr } = context.io;
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const program = new Command('calltally')
    .description('Keys, events and repair for calltally.')
    .version(version)
    .option('--check-config', 'check the settings and stop')
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      // The caller prints errors, as text or as JSON.
      outputError: () => {},
    });
  for (const add of [
    addKeys,
    addPublish,
    addImport,
    addCalls,
    addLag,
    addRebuild,
    addVerify,
    addWarming,
    addReplay,
    addUpgrade,
    addCapacity,
  ]) {
    add(program, context);
  }
  const hooks = program.command('hooks').description('addresses that voice platforms send their webhooks to');
  for (const add of [
    addHooksCreate,
    addHooksList,
    addHooksTest,
    addHooksRotate,
    addHooksRekey,
    addHooksDelete,
  ]) {
    add(hooks, context);
  }
  const users = program.command('users').description('users who have calls, and their erasure');
  for (const add of [addUsersList, addUsersErase]) add(users, context);
  const dlq = program.command('dlq').description('dead letters: events that could not be counted');
  for (const add of [addDlqList, addDlqShow, addDlqRetry, addDlqDiscard]) add(dlq, context);
  return program;
}
