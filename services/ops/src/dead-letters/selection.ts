import { REJECTION_CODES } from '@calltally/contract';
import { DateRangeError, parseDateRange } from '@calltally/domain';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { NUMBER_MAX, wholeNumber } from '../options.ts';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

/** Of dead letters that an earlier version has written: calls that are counted now if they are retried. */
const CODES_BEFORE = ['CALL_OF_ANOTHER_USER'];

/** Which letters a command is about: those named by id, or those that match all filters. */
export interface Selection {
  /** `partition:offset` each; empty where filters choose. */
  ids: readonly string[];
  filters: Filters;
}

/** As commander leaves the options. */
export interface Filters {
  code?: string;
  /** Epoch ms, inclusive. */
  since?: number;
  /** Epoch ms, exclusive. */
  until?: number;
  partition?: number;
  hook?: string;
}

/** The options of `retry` and `discard`. */
export interface SettleOptions extends Filters {
  again?: true;
  yes?: true;
  json?: true;
}

const ID = /^\d{1,9}:\d{1,15}$/;
const TIME = 'write a date (2026-03-01) or a date-time (2026-03-01T00:00:00Z); without an offset it is UTC';

export function addFilters(command: Command): Command {
  return command
    .addOption(
      new Option('--code <code>', 'failed with this code').choices([...REJECTION_CODES, ...CODES_BEFORE]),
    )
    .option('--since <time>', 'failed at that time or later', (text) => instantRange({ start: text }).from)
    .option('--until <time>', 'failed at that time or earlier', (text) => instantRange({ end: text }).until)
    .option(
      '--partition <number>',
      'came from this partition of the source topic',
      wholeNumber(0, NUMBER_MAX),
    )
    .option('--hook <hook_id>', 'came as a webhook to this hook');
}

export function addIds(command: Command): Command {
  const description = 'partition:offset each; without ids all open letters that match the filters';
  return command.argument('[ids...]', description, collectId);
}

/** The parser of an id. */
export function collectId(text: string, before: string[] | undefined): string[] {
  if (!ID.test(text)) throw new InvalidArgumentError('An id is partition:offset, as dlq list shows it.');
  const ids = before ?? [];
  return ids.includes(text) ? ids : [...ids, text];
}

/** @throws CommanderError for ids together with filters, and for times that no letter can lie between */
export function selectionOf(command: Command, ids: readonly string[], options: Filters): Selection {
  const { code, since, until, partition, hook } = options;
  const given = Object.entries({ code, since, until, partition, hook }).filter(
    ([, value]) => value !== undefined,
  );
  if (ids.length > 0 && given.length > 0) command.error('error: give ids or filters, not both');
  if (since !== undefined && until !== undefined && since >= until) {
    command.error('error: --since is after --until, so no letter lies between them');
  }
  if (since !== undefined && since > Date.now()) command.error('error: --since is in the future');
  return { ids, filters: Object.fromEntries(given) };
}

/** @throws CommanderError, also for `--again` without ids */
export function settleSelection(command: Command, ids: readonly string[], options: SettleOptions) {
  const { again = false } = options;
  const named = ids.length > 0;
  if (again && !named) command.error('error: --again needs ids; filters choose open letters only');
  return { selection: selectionOf(command, ids, options), named, again };
}

export function isChosen(letter: StoredDeadLetter, { ids, filters }: Selection): boolean {
  if (ids.length > 0) return ids.includes(letter.id);
  const { code, since, until, partition, hook } = filters;
  return (
    (code === undefined || letter.code === code) &&
    (since === undefined || letter.failedAtMs >= since) &&
    (until === undefined || letter.failedAtMs < until) &&
    (partition === undefined || letter.source?.partition === partition) &&
    (hook === undefined || letter.hook?.id === hook)
  );
}

function instantRange({ start = '0001-01-01', end = '9999-12-31' }: { start?: string; end?: string }) {
  try {
    return parseDateRange({ start_date: start, end_date: end }, 0);
  } catch (error) {
    if (error instanceof DateRangeError) throw new InvalidArgumentError(TIME);
    throw error;
  }
}
