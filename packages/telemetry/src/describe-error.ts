import { scrub } from './scrub.ts';

/** Deeper causes and further parts add nothing. */
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
 * Converts anything thrown to what may be logged. All other members are dropped: clients attach secrets to their errors, such
 * as the arguments of a refused `AUTH`, or a whole connection with its options.
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
