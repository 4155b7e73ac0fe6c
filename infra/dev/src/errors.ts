export type DevErrorCode =
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
