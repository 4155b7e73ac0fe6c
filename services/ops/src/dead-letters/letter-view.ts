import { escapeUnsafe } from '@calltally/domain';
import { shownText } from '../terminal-safe.ts';
import { bytesView } from './bytes-view.ts';
import type { FoundDeadLetter } from './dead-letter-client.ts';
import { type StoredDeadLetter, sizeOf } from './stored-dead-letter.ts';

const MESSAGE_SHOWN_MAX = 400;

/**
 * A letter as programs get it from `dlq list`. Times are RFC 3339 in UTC; `cut` is there if the letter is not whole.
 */
export function letterView({ letter, status }: FoundDeadLetter) {
  return {
    id: letter.id,
    failed_at: new Date(letter.failedAtMs).toISOString(),
    code: letter.code,
    message: letter.message,
    source: letter.source ?? (letter.hook ? hookView(letter.hook) : null),
    ...(letter.cut !== undefined && { cut: letter.cut }),
    size_bytes: sizeOf(letter),
    state: status?.state ?? 'open',
    ...(status && { state_since: status.at.toISOString() }),
  };
}

/** A letter as programs get it from `dlq show`, with the whole event. */
export function wholeLetterView(found: FoundDeadLetter) {
  const { key, value } = found.letter;
  const headers = headersOf(found).map(([name, bytes]) => ({ name, value: bytesView(bytes) }));
  return { ...letterView(found), key: bytesView(key), value: bytesView(value), headers };
}

/** Headers as they came, with one entry for each value of a repeated header. */
export function headersOf({ letter }: FoundDeadLetter): [name: string, value: Buffer | null][] {
  return Object.entries(letter.headers).flatMap(([name, header]) =>
    [header ?? null]
      .flat()
      .map((value): [string, Buffer | null] => [name, value === null ? null : Buffer.from(value)]),
  );
}

export const LETTER_HEADINGS = line(['ID', 'FAILED AT', 'CODE', 'BYTES', 'STATE', 'SOURCE', 'MESSAGE']);

/** One line. The widths of columns are fixed, since letters are printed before all of them are read. */
export function letterLine(found: FoundDeadLetter): string {
  const { id, failed_at, code, size_bytes, state, source, message } = letterView(found);
  const from = sourceText(source);
  const size = String(size_bytes);
  return line([id, failed_at, shownText(code, 40), size, state, from, shownText(message, MESSAGE_SHOWN_MAX)]);
}

const hookView = ({ id, provider }: NonNullable<StoredDeadLetter['hook']>) => ({ hook: id, provider });

/** Where an event was found: topic, partition and offset, or the first and the last one; or which hook received it. */
export function sourceText(source: ReturnType<typeof letterView>['source']): string {
  if (!source) return 'unknown';
  if ('hook' in source) return `${source.provider} ${source.hook}`;
  const { topic, partition, offset, last_offset } = source;
  const last = last_offset === undefined || last_offset === offset ? '' : `-${last_offset}`;
  return `${topic} ${partition}:${offset}${last}`;
}

function line(cells: readonly string[]): string {
  const widths = [10, 24, 20, 6, 9, 26];
  return escapeUnsafe(cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')).trimEnd();
}
