import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './bench.ts';

export const DOCUMENT = join(ROOT, 'docs', 'performance.md');

/** The folder of its pictures. */
export const PICTURES = join(ROOT, 'docs', 'performance');

const END = '<!-- end -->';

/**
 * Replaces a table in the document with that of this run.
 * @param figure whose own table to replace; by default the table of all other figures
 */
export function putTable(markdown: string, figure?: string): void {
  writeFileSync(DOCUMENT, withTable(readFileSync(DOCUMENT, 'utf8'), markdown, figure));
}

/** @throws Error if the document has no place for it */
export function withTable(document: string, markdown: string, figure?: string): string {
  const { before, after } = parts(document, figure);
  return `${before}${beginOf(figure)}\n${markdown.trimEnd()}\n${END}${after}`;
}

/** The text between the markers. */
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
