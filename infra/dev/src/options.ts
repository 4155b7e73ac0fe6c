type DevErrorCode =
  | 'DEV_USAGE' // an unknown argument
  | 'DEV_ALREADY_RUNNING' // another `npm start` in this folder
  | 'DEV_PORT' // PORT or INGEST_PORT cannot be used
  | 'DEV_NOT_READY'; // a service did not become ready

/** Why `npm start` cannot continue. The message is one line with the remedy. */
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

/** @param command as people type it @throws DevError DEV_USAGE for an unknown argument */
export function parseOptions(args: readonly string[], command = 'npm start'): Options {
  const unknown = args.find((arg) => arg !== '--no-demo');
  if (unknown !== undefined) {
    throw new DevError(
      'DEV_USAGE',
      `${command}: unknown argument ${JSON.stringify(unknown)}; the only option is -- --no-demo`,
    );
  }
  return { demo: !args.includes('--no-demo') };
}
