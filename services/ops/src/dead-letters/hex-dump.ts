const PER_LINE = 16;

/** Bytes as offset, hexadecimal digits and printable ASCII, 16 a line. */
export function* hexDump(bytes: Buffer): Generator<string> {
  for (let at = 0; at < bytes.length; at += PER_LINE) {
    const part = bytes.subarray(at, at + PER_LINE);
    const digits = part.toString('hex').replace(/..(?=.)/g, '$& ');
    const ascii = part.toString('latin1').replace(/[^ -~]/g, '.');
    yield `${at.toString(16).padStart(8, '0')}  ${digits.padEnd(PER_LINE * 3 - 1)}  |${ascii}|`;
  }
}
