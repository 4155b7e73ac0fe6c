import { escapeUnsafe } from '@calltally/domain';
import type { Command } from 'commander';
import type { Context } from '../context.ts';
import { bytesLine, kindOf, valueLines } from '../dead-letters/bytes-view.ts';
import type { FoundDeadLetter } from '../dead-letters/dead-letter-client.ts';
import { headersOf, letterView, sourceText, wholeLetterView } from '../dead-letters/letter-view.ts';
import { collectId, selectionOf } from '../dead-letters/selection.ts';
import { withDeadLetters } from '../dead-letters/with-dead-letters.ts';
import { safeJson } from '../terminal-safe.ts';

interface Options {
  full?: true;
  json?: true;
}

const VALUE_SHOWN_MAX_BYTES = 4_096;
const FIELD_SHOWN_MAX_BYTES = 256;
const HELP = `
A JSON value is shown as it was written, but indented; any other value as a hex dump. Characters that could control a
terminal are written \\uXXXX. A value is cut at 4096 bytes, a key or header at 256; --full and --json show all.

Examples:
  $ calltally dlq show 0:17
  $ calltally dlq show 0:17 --json`;

/** `dlq show`: prints one letter so that people can read it and no terminal acts on it. */
export function addDlqShow(dlq: Command, context: Context): void {
  const command = dlq
    .command('show')
    .description('key, value and headers of a dead letter, and its state')
    .argument('<id>', 'partition:offset, as dlq list shows it', (text) => collectId(text, undefined))
    .option('--full', 'the whole value, key and headers, however long')
    .option('--json', 'print {"id", "code", …, "key", "value", "headers"}; each {"text"} or {"base64"}')
    .addHelpText('after', HELP)
    .action((ids: string[], options: Options) => showLetter(command, ids, options, context));
}

async function showLetter(
  command: Command,
  ids: string[],
  options: Options,
  context: Context,
): Promise<void> {
  const { full = false, json = false } = options;
  const selection = selectionOf(command, ids, {});
  await withDeadLetters(context, selection, json, ({ scan, say }) =>
    scan(async ([found]) => {
      if (json) await say(safeJson(wholeLetterView(found!)));
      else for (const line of linesOf(found!, full)) await say(line);
      return true;
    }),
  );
}

function* linesOf(found: FoundDeadLetter, full: boolean): Generator<string> {
  const { id, failed_at, code, message, source, cut, state, state_since } = letterView(found);
  const { key, value } = found.letter;
  const atMost = (bytes: number) => (full ? Number.POSITIVE_INFINITY : bytes);
  const field = (name: string, text: string) => `${escapeUnsafe(name).padEnd(10)} ${escapeUnsafe(text)}`;
  yield field('letter', id);
  yield field('failed at', failed_at);
  yield field('code', code);
  yield field('message', message);
  yield field('source', sourceText(source));
  if (cut !== undefined) yield field('cut', cut);
  yield field('state', state_since === undefined ? state : `${state} since ${state_since}`);
  yield field('key', bytesLine(key, atMost(FIELD_SHOWN_MAX_BYTES)));
  for (const [name, header] of headersOf(found)) {
    yield field('header', `${JSON.stringify(name)} ${bytesLine(header, atMost(FIELD_SHOWN_MAX_BYTES))}`);
  }
  if (value === null) return yield field('value', 'none');
  yield field('value', `${value.length} bytes, ${kindOf(value)}`);
  yield* valueLines(value, atMost(VALUE_SHOWN_MAX_BYTES));
}
