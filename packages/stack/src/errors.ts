export type EngineName = 'kafka' | 'redis' | 'mongo';

export type StackErrorCode =
  | 'STACK_UNAVAILABLE' // the engine is neither installed nor can it be obtained
  | 'STACK_START_FAILED' // it was started and did not answer
  | 'STACK_DATA_IN_USE'; // another process runs on the same data folder

/** An engine that cannot be had. The message is one line that names the engine and what mends it. */
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

/** Whether it is the machine's files that are in the way: its message then says what was done, and where. */
export function isFileFault(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && 'errno' in error && 'path' in error;
}

/** What a terminal is told: one line of what may well happen, and all of what may not. */
export function toldOf(error: unknown): unknown {
  return error instanceof StackError || isFileFault(error) ? error.message : error;
}
