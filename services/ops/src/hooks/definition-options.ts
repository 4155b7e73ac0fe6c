import { checkDefinition, type HookAuth, type HookDefinition, parseMappingOptions } from '@calltally/hooks';
import type { Command } from 'commander';
import { CommandError } from '../failure.ts';

/** As commander leaves the options that make a definition. */
export interface DefinitionOptions {
  provider: string;
  user?: string;
  userFrom?: string;
  events?: string;
  direction?: string;
  map?: string[];
  value?: string[];
  timeZone?: string;
  when?: string;
  auth?: string;
  authHeader?: string;
  authEncoding?: string;
  authPrefix?: string;
  authTimestampHeader?: string;
  authSigned?: string;
}

const collect = (text: string, before: string[] = []) => [...before, text];

export function addDefinitionOptions(command: Command): Command {
  return command
    .requiredOption(
      '--provider <name>',
      'the platform: livekit, vapi, retell, twilio, elevenlabs, telnyx, generic',
    )
    .option('--user <user_id>', 'whose calls it always brings')
    .option('--user-from <path>', 'or where payloads name the user, such as call.metadata.user_id')
    .option('--events <list>', 'which payloads it takes, with commas between')
    .option('--direction <direction>', 'of its calls, where payloads do not tell')
    .option('--map <field=path>', 'generic: where a field is, with its unit; several times', collect)
    .option('--value <field:value=meaning>', 'generic: what a value of a field means; several times', collect)
    .option('--time-zone <zone>', 'generic: of times that name none, such as Europe/Berlin')
    .option('--when <path=value>', 'generic: which payloads are calls')
    .option('--auth <scheme>', 'secret, hmac-sha256, hmac-sha1, timestamped or standard-webhooks')
    .option('--auth-header <name>', 'header of the secret or the signature')
    .option('--auth-encoding <encoding>', 'of an HMAC: hex or base64')
    .option('--auth-prefix <text>', 'before an HMAC, such as sha256=')
    .option('--auth-timestamp-header <name>', 'header of the time that is signed')
    .option('--auth-signed <template>', 'what is signed, such as v0:{timestamp}:{body}');
}

/** @throws CommandError HOOK_INVALID, CommanderError */
export function definitionOf(options: DefinitionOptions, command: Command): HookDefinition {
  const { provider, user, userFrom, events, direction, when } = options;
  if ((user === undefined) === (userFrom === undefined)) command.error('error: give --user or --user-from');
  const auth = authOf(options);
  const mapping = mappingOf(options);
  const definition: HookDefinition = {
    provider,
    user: user === undefined ? { from: userFrom! } : { id: user },
    ...(events !== undefined && { events: events.split(',').map((event) => event.trim()) }),
    ...(direction !== undefined && { direction }),
    ...(auth && { auth }),
    ...(mapping && { mapping }),
    ...(when !== undefined && { when: filterOf(when) }),
  };
  const fault = checkDefinition(definition);
  if (fault !== undefined) throw new CommandError('HOOK_INVALID', fault);
  return definition;
}

function mappingOf({ map, value, timeZone }: DefinitionOptions): HookDefinition['mapping'] {
  if (map === undefined && value === undefined && timeZone === undefined) return undefined;
  const { mapping, fault } = parseMappingOptions({ map, value, timeZone });
  if (fault !== undefined) throw new CommandError('HOOK_INVALID', fault);
  return mapping;
}

function filterOf(text: string): NonNullable<HookDefinition['when']> {
  const [, path, equals] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  if (path === undefined) {
    throw new CommandError('HOOK_INVALID', '--when must be PATH=VALUE, such as event=call.ended');
  }
  return { path, equals: equals! };
}

/** `checkDefinition` checks what it says. */
function authOf(options: DefinitionOptions): HookAuth | undefined {
  const given = Object.entries({
    header: options.authHeader,
    encoding: options.authEncoding,
    prefix: options.authPrefix,
    timestampHeader: options.authTimestampHeader,
    signed: options.authSigned,
  }).filter(([, value]) => value !== undefined);
  if (options.auth === undefined && given.length === 0) return undefined;
  return { scheme: options.auth ?? 'secret', ...Object.fromEntries(given) } as HookAuth;
}
