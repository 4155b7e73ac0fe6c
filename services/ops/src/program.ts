import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { addDlqDiscard } from './commands/dlq-discard.ts';
import { addDlqList } from './commands/dlq-list.ts';
import { addDlqRetry } from './commands/dlq-retry.ts';
import { addDlqShow } from './commands/dlq-show.ts';
import { addKeysCreate } from './commands/keys-create.ts';
import { addKeysList } from './commands/keys-list.ts';
import { addKeysRevoke } from './commands/keys-revoke.ts';
import { addLag } from './commands/lag.ts';
import { addPublish } from './commands/publish.ts';
import { addRebuild } from './commands/rebuild.ts';
import { addReplay } from './commands/replay.ts';
import { addVerify } from './commands/verify.ts';
import { addWarming } from './commands/warming.ts';
import type { Context } from './context.ts';

const EPILOGUE = `
Settings come from the environment (docs/settings.md): KAFKA_BROKERS, KAFKA_TOPIC, KAFKA_GROUP_ID, REDIS_URL,
MONGODB_URI and others. What it does not name is taken from .calltally/stack.json while \`npm start\` runs in the
current directory; the environment wins. --check-config checks the settings and stops.

Exit status: 0 only when what was asked is so, 2 when the command line cannot be read, 1 otherwise.
Every command takes --json: one object on standard output, an error as {"error":{"code","message"}} on standard error.

Examples:
  $ calltally keys create --user acme
  $ calltally publish calls.ndjson
  $ calltally lag --json
  $ calltally dlq list`;

/** The command line; its actions throw, and nothing in it ends the process. */
export function createProgram(context: Context): Command {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const program = new Command('calltally')
    .description('Keys, events and repair for calltally.')
    .version(version)
    .option('--check-config', 'check the settings and stop')
    .addHelpText('after', EPILOGUE)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => context.io.stdout.write(text),
      writeErr: (text) => context.io.stderr.write(text),
      // Printed by the caller, who knows whether as text or as JSON.
      outputError: () => {},
    });
  const keys = program.command('keys').description('API keys of users');
  addKeysCreate(keys, context);
  addKeysList(keys, context);
  addKeysRevoke(keys, context);
  addPublish(program, context);
  addLag(program, context);
  addRebuild(program, context);
  addVerify(program, context);
  addWarming(program, context);
  addReplay(program, context);
  const dlq = program.command('dlq').description('dead letters: events that could not be counted');
  addDlqList(dlq, context);
  addDlqShow(dlq, context);
  addDlqRetry(dlq, context);
  addDlqDiscard(dlq, context);
  return program;
}
