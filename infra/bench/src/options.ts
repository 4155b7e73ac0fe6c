/** Parsed arguments of the command line. */
interface Options {
  /** Names of figures; empty for all of them. */
  names: string[];
  /** Small sizes and few rounds, to try the harness. Proves nothing. */
  quick: boolean;
  /** Every measured Node process writes a CPU profile, which slows it down. Proves nothing either. */
  cpuProf: boolean;
  /** Writes the table and the pictures into docs/. */
  write: boolean;
}

export const USAGE = `usage: npm run bench [-- [--quick] [--cpu-prof] [--write] [FIGURE…]]`;

/**
 * @param known names of the figures of a whole run
 * @param apart names of the figures with a table of their own
 * @throws Error with the problem, in one line
 */
export function parseOptions(
  args: readonly string[],
  known: readonly string[],
  apart: readonly string[],
): Options {
  const all = [...known, ...apart];
  const options: Options = { names: [], quick: false, cpuProf: false, write: false };
  for (const arg of args) {
    if (arg === '--quick') options.quick = true;
    else if (arg === '--cpu-prof') options.cpuProf = true;
    else if (arg === '--write') options.write = true;
    else if (all.includes(arg)) options.names.push(arg);
    else
      throw new Error(
        `there is no ${arg.startsWith('-') ? 'option' : 'figure'} ${arg}; figures: ${all.join(', ')}`,
      );
  }
  const { names, quick, cpuProf, write } = options;
  const hasTable = names.length === 0 || (names.length === 1 && apart.includes(names[0]!));
  if (write && (!hasTable || quick || cpuProf)) {
    const alone = apart.map((name) => ` or ${name} alone`).join('');
    throw new Error(`--write is for a whole run${alone}: a table is of one machine and date`);
  }
  return options;
}
