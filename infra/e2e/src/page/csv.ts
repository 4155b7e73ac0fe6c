/**
 * The records of a CSV by the names in its header, as RFC 4180 has it: each line ends with CRLF. Ours quotes nothing,
 * and a quote would be a fault.
 */
export function csvRows(text: string): Record<string, string>[] {
  if (text.includes('"')) throw new Error(`quoted: ${text}`);
  if (!text.endsWith('\r\n')) throw new Error(`the last line has no end: ${JSON.stringify(text.slice(-80))}`);
  const [header = '', ...lines] = text.slice(0, -2).split('\r\n');
  const names = header.split(',');
  return lines.map((line) => Object.fromEntries(line.split(',').map((cell, i) => [names[i] ?? '', cell])));
}
