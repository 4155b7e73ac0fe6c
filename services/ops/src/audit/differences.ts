import type { BucketValues, Difference } from '@calltally/ledger';

/** `acme: month 2026-03: has 17 calls, 93000 ms; should have 16 calls, 90000 ms` */
export function differenceText({ userId, bucket, has, shouldHave }: Difference): string {
  return `${userId}: ${bucket}: has ${figuresText(has)}; should have ${figuresText(shouldHave)}`;
}

export function differenceJson({ userId, bucket, has, shouldHave }: Difference) {
  return { user_id: userId, bucket, has: figuresJson(has), should_have: figuresJson(shouldHave) };
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
