import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bench.ts';

export const DOCUMENT = join(ROOT, 'docs', 'performance.md');

/** Where the pictures are that it shows. */
export const PICTURES = join(ROOT, 'docs', 'performance');

const END = '<!-- end -->';

/**
 * Puts a table of a run into the document, in place of the one before.
 * @param figure whose own table it is; that of all the others unless given
 */
export function putTable(markdown: string, figure?: string): void {
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, 'utf8'), markdown, figure));
}

/** @throws Error where the document has no place for it */
export function withTable(document: string, markdown: string, figure?: string): string {
  const { before, after } = parts(document, figure);
  return `${before}${beginOf(figure)}\n${markdown.trimEnd()}\n${END}${after}`;
}

/** What stands between the marks now. */
export function tableIn(document: string, figure?: string): string {
  return parts(document, figure).table;
}

function beginOf(figure: string | undefined): string {
  return `<!-- begin: ${figure === undefined ? '' : `${figure}, `}written by npm run bench -- --write -->`;
}

function parts(document: string, figure: string | undefined) {
  const mark = beginOf(figure);
  const begin = document.indexOf(mark);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/performance.md has no ${mark} … ${END}`);
  return {
    before: document.slice(0, begin),
    table: document.slice(begin + mark.length, end),
    after: document.slice(end + END.length),
  };
}
