import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bench.ts';

export const DOCUMENT = join(ROOT, 'docs', 'performance.md');

/** Where the pictures are that it shows. */
export const PICTURES = join(ROOT, 'docs', 'performance');

const BEGIN = '<!-- begin: written by npm run bench -- --write -->';
const END = '<!-- end -->';

/** Puts the table of a run into the document, in place of the one before. */
export function putTable(markdown: string): void {
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, 'utf8'), markdown));
}

/** @throws Error where the document has no place for it */
export function withTable(document: string, markdown: string): string {
  const { before, after } = parts(document);
  return `${before}${BEGIN}\n${markdown.trimEnd()}\n${END}${after}`;
}

/** What stands between the marks now. */
export function tableIn(document: string): string {
  return parts(document).table;
}

function parts(document: string) {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END, begin);
  if (begin < 0 || end < 0) throw new Error(`docs/performance.md has no ${BEGIN} … ${END}`);
  return {
    before: document.slice(0, begin),
    table: document.slice(begin + BEGIN.length, end),
    after: document.slice(end + END.length),
  };
}
