import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { Context } from '../context.ts';
import { definitionIn, hookView, requireHook, unknownHook } from '../hooks/hook-view.ts';
import { newSecret } from '../hooks/new-secret.ts';

interface Options {
  keep: number;
  secretFile?: string;
  json?: true;
}

const DAY_MS = 86_400_000;
const UNITS_MS = { m: 60_000, h: 3_600_000, d: DAY_MS };
const KEEP_MAX_MS = 90 * DAY_MS;
const HELP = `
Both secrets are accepted until the old one ends, so that the platform can be changed meanwhile. --keep 0m ends it at once,
for a secret that leaked. Intake knows within seconds.

Examples:
  $ calltally hooks rotate hook_0f1e2d3c4b5a69788796a5b4
  $ calltally hooks rotate hook_0f1e2d3c4b5a69788796a5b4 --keep 7d --secret-file new-key.txt`;

/** `hooks rotate`: gives a hook another secret. */
export function addHooksRotate(hooks: Command, context: Context): void {
  hooks
    .command('rotate')
    .description('give a hook another secret; the old one is accepted for a while')
    .argument('<hook_id>', 'as hooks list shows it')
    .option('--keep <duration>', 'how long the old one is accepted: 30m, 12h, 7d', parseKeep, DAY_MS)
    .option(
      '--secret-file <file>',
      'the secret or public key that the platform gives; - reads standard input',
    )
    .option('--json', 'print the hook as hooks list does, and "secret" if one was made')
    .addHelpText('after', HELP)
    .action((hookId: string, options: Options) => rotate(hookId, options, context));
}

async function rotate(hookId: string, { keep, secretFile, json }: Options, context: Context): Promise<void> {
  const { publicUrl } = context.settings().hooks;
  const { hook, shownOnce } = await context.withStore(async (store) => {
    const before = await requireHook(store, hookId);
    const { row, shownOnce } = await newSecret(hookId, definitionIn(before), secretFile, context);
    const hook = await store.hooks.rotate(hookId, row, new Date(Date.now() + keep));
    if (hook === undefined) throw unknownHook();
    return { hook, shownOnce };
  });
  const view = hookView(hook, publicUrl);
  if (json) return context.printJson({ ...view, ...(shownOnce !== undefined && { secret: shownOnce }) });
  if (shownOnce !== undefined) context.print(`secret  ${shownOnce}   (shown this once)`);
  const old = view.secrets.slice(1).map(({ expires_at }) => expires_at);
  context.print(
    old.length === 0
      ? `${view.hook_id} accepts the new secret alone`
      : `${view.hook_id} accepts the new secret, and the old one until ${old[0]}`,
  );
}

/** Milliseconds. */
function parseKeep(text: string): number {
  const [, number, unit] = /^(\d{1,5})([mhd])$/.exec(text) ?? [];
  const ms = Number(number) * UNITS_MS[unit as keyof typeof UNITS_MS];
  if (ms <= KEEP_MAX_MS) return ms;
  throw new InvalidArgumentError('Write minutes, hours or days up to 90d, such as 30m, 12h or 7d.');
}
