import { scrub } from './scrub.ts';

/** Causes and parts further down say nothing that the ones above did not. */
const maxDepth = 5;
const maxParts = 10;

/** An error as it is logged. */
export interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string | number;
  readonly stack?: string;
  readonly cause?: DescribedError;
  readonly errors?: readonly DescribedError[];
}

/**
 * What may be known of anything that was thrown. Only these members are taken: clients hang more on their
 * errors, such as the arguments of a refused `AUTH`, or a whole connection with its options.
 */
export function describeError(thrown: unknown): DescribedError {
  return describe(thrown, 1);
}

function describe(thrown: unknown, depth: number): DescribedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: scrub(String(thrown)) };
  const { code } = thrown as { code?: unknown };
  const deeper = depth < maxDepth;
  return {
    type: thrown.name,
    message: scrub(thrown.message),
    ...((typeof code === 'string' || typeof code === 'number') && { code }),
    ...(thrown.stack !== undefined && { stack: scrub(thrown.stack) }),
    ...(deeper && thrown.cause !== undefined && { cause: describe(thrown.cause, depth + 1) }),
    ...(deeper &&
      thrown instanceof AggregateError && {
        errors: thrown.errors.slice(0, maxParts).map((part) => describe(part, depth + 1)),
      }),
  };
}
