import { DevError } from './errors.ts';

export interface Options {
  /** Whether a demo user gets calls. */
  demo: boolean;
}

/** @throws DevError DEV_USAGE for an argument that is not known */
export function parseOptions(args: readonly string[]): Options {
  const unknown = args.find((arg) => arg !== '--no-demo');
  if (unknown !== undefined) {
    throw new DevError(
      'DEV_USAGE',
      `npm start does not know ${JSON.stringify(unknown)}; it takes -- --no-demo`,
    );
  }
  return { demo: !args.includes('--no-demo') };
}
