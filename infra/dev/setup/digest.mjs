/**
 * Reads TAP as a stream and prints a summary: a line for each test file, all output of a file that fails, and the
 * totals at the end. It keeps the output of one file in memory at most.
 *
 * @param {(line: string) => void} say
 */
export function createDigest(say) {
  /** @type {string[]} */
  let held = [];
  let rest = '';
  /** @type {{passed: number, failed: number} | undefined} */
  let sums;
  let failing = false;

  /** @param {string} line */
  const take = (line) => {
    const result = /^(not )?ok \d+ - (.*?)(?: # time=([\d.]+)ms)?(?: \{)?$/.exec(line);
    const total = /^# \{ total: \d+, pass: (\d+)(.*) \}$/.exec(line);
    if (total !== null) {
      const failed = Number(/fail: (\d+)/.exec(total[2] ?? '')?.[1] ?? 0);
      sums = { passed: Number(total[1]), failed };
      say(line);
    } else if (result !== null) {
      const [, not, name, ms] = result;
      failing = not !== undefined;
      if (failing) for (const text of held) say(text);
      say(`${failing ? 'FAILED' : 'ok'}  ${name}${ms ? `  ${(Number(ms) / 1000).toFixed(1)} s` : ''}`);
      held = [];
    } else if (/^# Subtest: /.test(line)) {
      failing = false;
      held = [line];
    } else if (/^Bail out!/.test(line) || (failing && /^ {2}/.test(line))) {
      // The diagnostics of a failed file follow its result.
      say(line);
    } else {
      held.push(line);
    }
  };

  return {
    /** @param {string} text */
    write(text) {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) take(line);
    },
    /** The totals. Undefined if the tests ended without them. */
    end() {
      if (rest !== '') take(rest);
      if (sums === undefined) for (const line of held) say(line);
      return sums;
    },
  };
}
