/** What the command line asks for. */
interface Options {
  /** Names of figures; all of them where there is none. */
  names: string[];
  /** Small sizes and few rounds, to try the harness: nothing is proved. */
  quick: boolean;
  /** Every Node process that is measured writes a CPU profile, so nothing is proved either. */
  cpuProf: boolean;
  /** Puts the table and the pictures into docs/. */
  write: boolean;
}

export const USAGE = `usage: npm run bench [-- [--quick] [--cpu-prof] [--write] [FIGURE…]]`;

/**
 * @param known names of the figures of a whole run
 * @param apart names of those that have a table of their own
 * @throws Error with what is wrong, in one line
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
