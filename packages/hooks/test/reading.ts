import { readFileSync } from 'node:fs';
import { checkCallEvent } from '@calltally/contract';
import { type HookDefinition, PROVIDERS, type Reading } from '@calltally/hooks';

/** When payloads arrive, unless a test says otherwise. */
export const RECEIVED_AT = Date.parse('2026-03-01T09:40:00.000Z');

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');

/** A file of `payloads/`. */
export const payload = (name: string): string => text(`./payloads/${name}`);

const EXPECTED: Record<string, { event: Record<string, unknown> | null }> = JSON.parse(
  payload('EXPECTED.json'),
).calls;

/** The event that a payload of `payloads/` means for the user `u-42`; null if none. */
export function expected(name: string): Record<string, unknown> | null {
  const event = EXPECTED[name]!.event;
  return event && { ...event, user_id: 'u-42' };
}

interface Circumstances {
  url?: string;
  receivedAtMs?: number;
}

/** What a provider reads in a body. Whatever it does not say otherwise is a hook of the user `u-42`. */
export function read(
  provider: string,
  body: unknown,
  definition: Partial<HookDefinition> = {},
  { url = 'https://calls.example/hooks/p/hook_7f0c', receivedAtMs = RECEIVED_AT }: Circumstances = {},
): Reading[] {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  return PROVIDERS[provider]!.read(
    { body: bytes, headers: {}, url, receivedAtMs },
    { provider, user: { id: 'u-42' }, ...definition },
  );
}

/** The only event that a body means; undefined if there is none. */
export function eventOf(...args: Parameters<typeof read>): Record<string, unknown> | undefined {
  const [reading, ...more] = read(...args);
  if (more.length > 0) throw new Error('several readings');
  return reading !== undefined && 'event' in reading ? reading.event : undefined;
}

/** The call that the contract makes of an event. */
export function callOf(event: unknown) {
  const { call, dropped, rejection } = checkCallEvent(event, RECEIVED_AT);
  if (call === undefined || dropped !== undefined)
    throw new Error(rejection?.message ?? `dropped ${dropped}`);
  return call;
}

/**
 * What counts of a call after these events arrived in this order: the highest revision, of equal ones the first (see
 * docs/events.md, Corrections).
 */
export function counted(events: readonly unknown[]) {
  const calls = events.map(callOf);
  return calls.reduce((kept, call) => ((call.revision ?? 0) > (kept.revision ?? 0) ? call : kept));
}

/** Every order of a few things. */
export function ordersOf<T>(things: readonly T[]): T[][] {
  if (things.length < 2) return [[...things]];
  return things.flatMap((thing, i) => ordersOf(things.toSpliced(i, 1)).map((others) => [thing, ...others]));
}
