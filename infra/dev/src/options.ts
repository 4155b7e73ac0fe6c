type DevErrorCode =
  | 'DEV_USAGE' // an argument that is not known
  | 'DEV_ALREADY_RUNNING' // another `npm start` in this folder
  | 'DEV_PORT' // PORT or INGEST_PORT cannot be used
  | 'DEV_NOT_READY'; // a service did not become ready

/** Why `npm start` cannot go on, in one line that says what mends it. */
export class DevError extends Error {
  override readonly name = 'DevError';
  constructor(
    readonly code: DevErrorCode,
    message: string,
  ) {
    super(message);
  }
}

interface Options {
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
