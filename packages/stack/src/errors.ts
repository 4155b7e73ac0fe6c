export type EngineName = 'kafka' | 'redis' | 'mongo';

export type StackErrorCode =
  | 'STACK_UNAVAILABLE' // the engine is not installed and cannot be obtained
  | 'STACK_START_FAILED' // it was started but did not answer
  | 'STACK_DATA_IN_USE'; // another process uses the same data folder

/** An engine is not available. The message is one line with the engine, the problem and the remedy. */
export class StackError extends Error {
  override readonly name = 'StackError';
  readonly code: StackErrorCode;
  readonly engine: string;
  readonly remedy: string;

  constructor(code: StackErrorCode, engine: string, problem: string, remedy: string, cause?: unknown) {
    super(`${engine}: ${oneLine(problem)}; ${oneLine(remedy)}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.engine = engine;
    this.remedy = remedy;
  }
}

function oneLine(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** Whether a file operation failed. The message then names the operation and the path. */
export function isFileFault(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'path' in error;
}

/** What to print: one line for an expected error, the whole error with its stack for any other. */
export function toldOf(error: unknown): unknown {
  return error instanceof StackError || isFileFault(error) ? error.message : error;
}
