import { type Mapping, type MappingOptions, parseMappingOptions } from '@calltally/hooks';
import type { Command } from 'commander';
import { CommandError } from './failure.ts';

const collect = (text: string, before: readonly string[] = []) => [...before, text];

/** Options that say how records become events; `mappingOf` reads them. */
export function addMappingOptions(command: Command): Command {
  return command
    .option(
      '--map <field=path>',
      'where a field of the event comes from, such as started_at=start_epoch:s; repeat for each field',
      collect,
    )
    .option(
      '--value <field:value=meaning>',
      'what a value means, such as status:ANSWERED=completed; repeat for each value',
      collect,
    )
    .option('--time-zone <zone>', 'zone of times that name none, such as Europe/Berlin');
}

/**
 * @returns undefined if there is no `--map`
 * @throws CommandError MAPPING_INVALID
 */
export function mappingOf(options: MappingOptions): Mapping | undefined {
  const { mapping, fault } = parseMappingOptions(options);
  if (fault !== undefined) throw mappingInvalid(fault);
  return Object.keys(mapping.fields).length === 0 ? undefined : mapping;
}

export function mappingInvalid(fault: string): CommandError {
  return new CommandError('MAPPING_INVALID', fault);
}
