/** What the command line asks for. */
export interface Options {
  /** Names of figures; all of them where there is none. */
  names: string[];
  /** Small sizes and few rounds, to try the harness: nothing is proved. */
  quick: boolean;
  /** Every Node process that is measured writes a CPU profile, so nothing is proved either. */
  cpuProf: boolean;
  /** Puts the table into docs/performance.md. */
  write: boolean;
}

export const USAGE = `usage: npm run bench [-- [--quick] [--cpu-prof] [--write] [FIGURE…]]`;

/** @throws Error with what is wrong, in one line */
export function parseOptions(args: readonly string[], known: readonly string[]): Options {
  const options: Options = { names: [], quick: false, cpuProf: false, write: false };
  for (const arg of args) {
    if (arg === '--quick') options.quick = true;
    else if (arg === '--cpu-prof') options.cpuProf = true;
    else if (arg === '--write') options.write = true;
    else if (known.includes(arg)) options.names.push(arg);
    else
      throw new Error(
        `there is no ${arg.startsWith('-') ? 'option' : 'figure'} ${arg}; figures: ${known.join(', ')}`,
      );
  }
  if (options.write && (options.names.length > 0 || options.quick || options.cpuProf)) {
    throw new Error('--write is for a whole run: the document has one table, of one machine and date');
  }
  return options;
}
