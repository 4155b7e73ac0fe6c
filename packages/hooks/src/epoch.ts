import { shown } from '@calltally/contract';
import { formatInstant, LAST_INSTANT } from '@calltally/domain';
import { type Rejected, rejected } from './event-fields.ts';

const UNIT_NS = { s: 1_000_000_000n, ms: 1_000_000n, ns: 1n } as const;
const UNIT_NAMES = { s: 'seconds', ms: 'milliseconds', ns: 'nanoseconds' } as const;

export type EpochUnit = keyof typeof UNIT_NS;

/** An instant as a call event has it. */
export interface EpochTime {
  /** Epoch ms; finer digits are cut off. */
  ms: number;
  /** RFC 3339; with milliseconds unless the platform counts in seconds. */
  text: string;
}

const DECIMAL = /^(\d{1,19})(?:\.(\d{1,9})\d*)?$/;

/**
 * Reads an epoch time: a number, or its digits as a text. Zero stands for none, since protojson leaves out zeros.
 * @param field where it is in the payload
 */
export function readEpoch(value: unknown, unit: EpochUnit, field: string): EpochTime | Rejected | undefined {
  const text = typeof value === 'number' ? String(value) : value;
  if (text == null || text === '' || text === '0') return undefined;
  const parts = typeof text === 'string' ? DECIMAL.exec(text) : null;
  const [, whole = '', fraction = ''] = parts ?? [];
  const ns = BigInt(whole) * UNIT_NS[unit] + (BigInt(fraction.padEnd(9, '0')) * UNIT_NS[unit]) / UNIT_NS.s;
  const ms = Number(ns / UNIT_NS.ms);
  if (parts === null || ms > LAST_INSTANT) {
    return rejected('FIELD_INVALID', field, `is ${shown(value)}; it must be ${UNIT_NAMES[unit]} since 1970`);
  }
  return { ms, text: unit === 's' ? formatInstant(ms) : new Date(ms).toISOString() };
}

/** The first time that is given, or what is wrong with it. */
export function firstEpoch(
  ...candidates: [value: unknown, unit: EpochUnit, field: string][]
): EpochTime | Rejected | undefined {
  for (const candidate of candidates) {
    const time = readEpoch(...candidate);
    if (time !== undefined) return time;
  }
  return undefined;
}
