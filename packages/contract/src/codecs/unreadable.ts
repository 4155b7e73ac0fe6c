/** A batch may unpack to this many bytes; producers' own limits keep honest ones a magnitude below. */
export const BATCH_MAX_BYTES = 64 * 1024 * 1024;

/** A compressed batch that cannot be unpacked, or only beyond {@link BATCH_MAX_BYTES}. Retrying does not help. */
export class BatchUnreadableError extends Error {
  readonly code = 'CODEC_BATCH_UNREADABLE';
  /** kafkajs asks errors this. */
  readonly retriable = false;

  constructor(codec: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`a ${codec} batch cannot be unpacked within ${BATCH_MAX_BYTES} bytes: ${why}`, { cause });
    this.name = 'BatchUnreadableError';
  }
}
