/** Beyond it lines go no further to the right: a hostile value may be nested a million deep. */
const INDENTED_DEPTH_MAX = 16;

/**
 * JSON, or the beginning of one, in indented lines. Works on the text and not on what it means, so that a repeated key,
 * a number beyond a double and the escapes of a string are seen as they were written.
 */
export function* indentedJson(text: string): Generator<string> {
  let depth = 0;
  let line = '';
  const indented = (content: string) => '  '.repeat(Math.min(depth, INDENTED_DEPTH_MAX)) + content;
  // Strings, brackets, and what stands between; a string that the end of the text cuts runs to it.
  for (const [token] of text.matchAll(/"[^"\\]*(?:\\.[^"\\]*)*"?|[[\]{},:]|[^\s"[\]{},:]+/gs)) {
    if (token === '{' || token === '[') {
      yield indented(line + token);
      line = '';
      depth++;
    } else if (token === '}' || token === ']') {
      if (line !== '') yield indented(line);
      depth--;
      line = token;
    } else if (token === ',') {
      yield indented(line + token);
      line = '';
    } else {
      line += token === ':' ? ': ' : token;
    }
  }
  if (line !== '') yield indented(line);
}
