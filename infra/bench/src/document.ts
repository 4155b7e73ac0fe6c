import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bench.ts';

export const DOCUMENT = join(ROOT, 'docs', 'performance.md');

/** Where the pictures are that it shows. */
export const PICTURES = join(ROOT, 'docs', 'performance');

const END = '<!-- end -->';

/**
 * Puts the table of a run into the document, in place of the one before.
 * @param apart the figure whose table it is; that of a whole run without one, here and below
 */
export function putTable(markdown: string, apart?: string): void {
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, 'utf8'), markdown, apart));
}

/** @throws Error where the document has no place for it */
export function withTable(document: string, markdown: string, apart?: string): string {
  const { before, after } = parts(document, apart);
  return `${before}${beginOf(apart)}\n${markdown.trimEnd()}\n${END}${after}`;
}

/** What stands between the marks now. */
export function tableIn(document: string, apart?: string): string {
  return parts(document, apart).table;
}

function beginOf(apart = ''): string {
  return `<!-- begin: written by ${`npm run bench -- --write ${apart}`.trimEnd()} -->`;
}

function parts(document: string, apart?: string) {
  const mark = beginOf(apart);
  const begin = document.indexOf(mark);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/performance.md has no ${mark} … ${END}`);
  return {
    before: document.slice(0, begin),
    table: document.slice(begin + mark.length, end),
    after: document.slice(end + END.length),
  };
}
