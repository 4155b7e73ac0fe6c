/** Most bytes that a batch may unpack to. Producers' own limits keep real batches ten times smaller. */
export const BATCH_MAX_BYTES = 64 * 1024 * 1024;

/** A compressed batch that is damaged or unpacks to more than {@link BATCH_MAX_BYTES}. Retrying does not help. */
export class BatchUnreadableError extends Error {
  override readonly name = 'BatchUnreadableError';
  readonly code = 'CODEC_BATCH_UNREADABLE';
  /** Read by kafkajs. */
  readonly retriable = false;

  constructor(codec: string, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    super(`a ${codec} batch cannot be unpacked within ${BATCH_MAX_BYTES} bytes: ${why}`, { cause });
  }
}
