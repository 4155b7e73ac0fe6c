import { type DestinationStream, type Logger, pino } from 'pino';
import { describeError } from './describe-error.ts';
import { scrub } from './scrub.ts';

export interface LoggerOptions {
  /** Written to every line. */
  readonly service: string;
  /** Lowest level that is written: one of pino's levels, or `silent`. */
  readonly level: string;
  /** Default: standard output. */
  readonly destination?: DestinationStream;
}

/**
 * A logger that writes one JSON object per line: `level` by name, `time` in ISO 8601, `service`, `pid`, `msg`. Errors go under
 * `err`. Every line is scrubbed when it is complete, so that secrets are masked at any depth and in any client's message.
 * Invisible characters, which an id may contain, are written as `\uXXXX`.
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
/** Control characters, direction marks, line separators, characters without width. */
const UNSEEN = /[^\p{L}\p{M}\p{N}\p{P}\p{S}\p{Zs}\n]/gu;

/** The same JSON text, with every character visible. */
function visible(line: string): string {
  if (ASCII.test(line)) return line;
  return line.replace(UNSEEN, (character) =>
    Array.from({ length: character.length }, (_, i) => escaped(character.charCodeAt(i))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** ISO 8601, formatted once per millisecond. */
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
