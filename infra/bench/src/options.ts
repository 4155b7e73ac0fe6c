/** Parsed arguments of the command line. */
interface Options {
  /** Names of figures; empty for those of a usual run. */
  names: string[];
  /** Small sizes and few rounds, to try the harness. Proves nothing. */
  quick: boolean;
  /** Every measured Node process writes a CPU profile, which slows it down. Proves nothing either. */
  cpuProf: boolean;
  /** Writes the table and the pictures into docs/. */
  write: boolean;
}

export const USAGE = `usage: npm run bench [-- [--quick] [--cpu-prof] [--write] [all | FIGURE…]]`;

/**
 * @param known names of the figures of a usual run
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
    else if (arg === 'all') options.names = all;
    else if (all.includes(arg)) options.names.push(arg);
    else
      throw new Error(
        `there is no ${arg.startsWith('-') ? 'option' : 'figure'} ${arg}; figures: ${all.join(', ')}`,
      );
  }
  const { names, quick, cpuProf, write } = options;
  const isWhole = names.length === 0 || names === all;
  if (write && !(isWhole || names.every((name) => apart.includes(name)))) {
    throw new Error(
      `--write is for a run without names, for all, or for ${apart.join(', ')}: a table is of one run`,
    );
  }
  if (write && (quick || cpuProf)) throw new Error('--write is for a run that proves something');
  return options;
}
