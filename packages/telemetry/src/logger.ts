import { type DestinationStream, type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';
import { scrub } from './scrub.ts';

/** What a logger is made from. */
export interface LoggerOptions {
  /** Stands in every line as `service`. */
  readonly service: string;
  /** The least that is written, one of pino's levels or `silent`. */
  readonly level: string;
  /** Where the lines go; standard output unless given. */
  readonly destination?: DestinationStream;
}

/**
 * A logger that writes a JSON object a line: `level` by name, `time` in ISO 8601, `service`, `pid`, `msg`.
 * Errors go under `err`. Every finished line is scrubbed, so that a secret is masked at whatever depth, and in
 * whatever client's message, it came along; and what an id may hold that cannot be seen stands there as `\uXXXX`.
 */
export function createLogger({ service, level, destination }: LoggerOptions): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: timestamps(),
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: describeError, error: describeError },
    hooks: { streamWrite: (line: string) => visible(scrub(line)) },
  };
  return destination ? pino(options, destination) : pino(options);
}

const ASCII = /^[\n -~]*$/;
/** Controls, marks of direction, separators of lines, what has no width: whoever reads a log must see them. */
const UNSEEN = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n]/gu;

/** The same JSON text, in which every character can be seen. */
function visible(line: string): string {
  if (ASCII.test(line)) return line;
  return line.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** ISO 8601, written once for all lines of a millisecond. */
function timestamps(): () => string {
  let lastMs = Number.NaN;
  let text = '';
  return () => {
    const nowMs = Date.now();
    if (nowMs !== lastMs) {
      lastMs = nowMs;
      text = `,"time":"${new Date(nowMs).toISOString()}"`;
    }
    return text;
  };
}
