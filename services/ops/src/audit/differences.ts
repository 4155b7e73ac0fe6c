import type { BucketValues, Difference } from '@calltally/ledger';
import type { Context } from '../context.ts';

/** Prints a line for each difference: `acme: month 2026-03: has 17 calls, 93000 ms; should have 16 calls, 90000 ms` */
export function printDifferences(found: readonly Difference[], json: boolean, context: Context): void {
  for (const { userId, bucket, has, shouldHave } of found) {
    if (json) {
      const sides = { has: figuresJson(has), should_have: figuresJson(shouldHave) };
      context.printJson({ event: 'difference', user_id: userId, bucket, ...sides });
    } else {
      const sides = `has ${figuresText(has)}; should have ${figuresText(shouldHave)}`;
      context.print(`${userId}: ${bucket}: ${sides}`);
    }
  }
}

const UNITS: Record<string, (value: number) => string> = {
  calls: (value) => `${value} calls`,
  durationMs: (value) => `${value} ms`,
  startedAtMs: (value) => `epoch ms ${value}`,
  offset: (value) => `offset ${value}`,
};

function figuresText(figures: BucketValues): string {
  return Object.entries(figures)
    .map(([figure, value]) => UNITS[figure]?.(value) ?? `${figure} ${value}`)
    .join(', ');
}

function figuresJson(figures: BucketValues): Record<string, number> {
  return Object.fromEntries(
    Object.entries(figures).map(([figure, value]) => [
      figure.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  );
}
