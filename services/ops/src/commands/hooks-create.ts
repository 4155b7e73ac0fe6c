import { newHookId } from '@calltally/store';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { CommandError } from '../failure.ts';
import { addDefinitionOptions, type DefinitionOptions, definitionOf } from '../hooks/definition-options.ts';
import { hookView, userText } from '../hooks/hook-view.ts';
import { newSecret } from '../hooks/new-secret.ts';

interface Options extends DefinitionOptions {
  name?: string;
  secretFile?: string;
  json?: true;
}

const NAME = /^[^\p{C}]{1,100}$/u;
const HELP = `
Prints the address to set at the platform. Where the platform sends a secret that it is told, one is made and shown this
once. Where it signs with a secret of its own, or has a public key, write that into a file: a command line can be read by
others. HOOK_KEYS must be set for secrets that sign.

Examples:
  $ calltally hooks create --provider vapi --user-from message.call.metadata.user_id
  $ calltally hooks create --provider retell --user acme --secret-file retell-api-key.txt
  $ pass show twilio | calltally hooks create --provider twilio --user acme --secret-file -
  $ calltally hooks create --provider generic --user acme --map call_id=uuid \\
      --map started_at=start:s --map duration_seconds=billsec`;

/** `hooks create`: makes an address for the webhooks of a platform. */
export function addHooksCreate(hooks: Command, context: Context): void {
  addDefinitionOptions(hooks.command('create').description('make an address for the webhooks of a platform'))
    .option('--name <name>', 'what the hook is for, at most 100 characters')
    .option(
      '--secret-file <file>',
      'the secret or public key that the platform gives; - reads standard input',
    )
    .option('--json', 'print {"hook_id", "address", "provider", …}, and "secret" if one was made')
    .addHelpText('after', HELP)
    .action((options: Options, command: Command) => create(options, command, context));
}

async function create(options: Options, command: Command, context: Context): Promise<void> {
  const { name, secretFile, json } = options;
  if (name !== undefined && !NAME.test(name)) {
    throw new CommandError('NAME_INVALID', '--name is 1 to 100 characters, none of them a control character');
  }
  const definition = definitionOf(options, command);
  const { publicUrl } = context.settings().hooks;
  const _id = newHookId();
  const { row: secret, shownOnce } = await newSecret(_id, definition, secretFile, context);
  const hook = await context.withStore((store) =>
    store.hooks.create({
      _id,
      provider: definition.provider,
      definition: { ...definition },
      ...(name !== undefined && { name }),
      secrets: [secret],
    }),
  );
  const view = hookView(hook, publicUrl);
  if (json) return context.printJson({ ...view, ...(shownOnce !== undefined && { secret: shownOnce }) });
  context.print(`address  ${view.address}`);
  if (publicUrl === undefined) context.print('         behind the address of intake; PUBLIC_URL is not set');
  if (shownOnce !== undefined) context.print(`secret   ${shownOnce}   (shown this once)`);
  context.print(`hook id  ${view.hook_id}   (calltally hooks test ${view.hook_id} PAYLOAD.json)`);
  context.print(`calls    of ${userText(hook)}`);
}
