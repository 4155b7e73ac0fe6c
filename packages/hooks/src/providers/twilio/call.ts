import { shown } from '@calltally/contract';
import { readDirection } from '@calltally/domain';
import { type Fields, textOf } from '../../event-fields.ts';

/** Of Elastic SIP Trunking: calls originate in the telephone network and terminate there, as Twilio has it. */
const TRUNKING: Readonly<Record<string, string>> = {
  trunking_originating: 'inbound',
  trunking_terminating: 'outbound',
};

/** Callbacks write `outbound-api`, summaries `outbound_api`. */
export function directionOf(value: unknown): string | undefined {
  const text = textOf(value);
  if (text === undefined) return undefined;
  const name = text.replaceAll('-', '_');
  return Object.hasOwn(TRUNKING, name) ? TRUNKING[name] : readDirection(text);
}

/** Why a leg does not count: another call dialed it and counts itself. Undefined for any other call. */
export function childLeg(parent: unknown, direction: unknown): { skipped: string } | undefined {
  const parentId = textOf(parent);
  if (parentId !== undefined) return { skipped: `a leg of the call ${shown(parentId)}, which counts` };
  const isDialed = textOf(direction)?.replaceAll('_', '-') === 'outbound-dial';
  return isDialed ? { skipped: 'a leg that another call dialed, which counts' } : undefined;
}

/** Answering machine detection tells whom an answered call reached. */
export function refined(status: string | undefined, answeredBy: unknown): string | undefined {
  return status === 'completed' && textOf(answeredBy)?.startsWith('machine') ? 'voicemail' : status;
}

/** Where the user of a call may be: the payload's own fields, and what the address carries. */
export function userPlaces(fields: Fields, query: URLSearchParams): Fields {
  return { ...fields, query: Object.fromEntries(query) };
}
