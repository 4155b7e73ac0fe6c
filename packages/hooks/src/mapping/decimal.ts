/** A decimal number exactly as it is written: `digits` / 10 ** `scale`. */
export interface Decimal {
  digits: bigint;
  scale: number;
}

/** Far more than any time or duration has. It bounds the work on hostile texts. */
const LENGTH_MAX = 40;
const TEXT = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const WITH_EXPONENT = /^(-?\d+)(?:\.(\d+))?e-(\d+)$/;

/**
 * Reads a JSON number, or a decimal number in a text, without losing digits. Not a text with an exponent, since a spreadsheet
 * that writes `1.77236E+12` has lost the last digits. Undefined for anything else.
 */
export function readDecimal(value: unknown): Decimal | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? ofNumber(value) : undefined;
  if (typeof value !== 'string' || value.length > LENGTH_MAX) return undefined;
  const parts = TEXT.exec(value);
  if (parts === null) return undefined;
  const [, sign = '', whole = '', fraction = ''] = parts;
  const digits = BigInt(whole + fraction);
  return { digits: sign === '-' ? -digits : digits, scale: fraction.length };
}

/** `value` times `factor`, cut to a whole number towards minus infinity. */
export function floorTimes({ digits, scale }: Decimal, factor: bigint): bigint {
  return floorDivide(digits * factor, 10n ** BigInt(scale));
}

/** A quotient of whole numbers, cut towards minus infinity. `divisor` is positive. */
export function floorDivide(dividend: bigint, divisor: bigint): bigint {
  const quotient = dividend / divisor;
  return dividend < 0n && quotient * divisor !== dividend ? quotient - 1n : quotient;
}

/** JavaScript writes numbers below 1e-6 with an exponent; those from 1e21 on are no times. */
function ofNumber(value: number): Decimal | undefined {
  const text = String(value);
  const small = WITH_EXPONENT.exec(text);
  if (small === null) return readDecimal(text);
  const [, whole = '', fraction = '', exponent] = small;
  return { digits: BigInt(whole + fraction), scale: fraction.length + Number(exponent) };
}
