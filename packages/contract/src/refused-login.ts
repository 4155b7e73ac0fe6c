const CAUSES_DEEP_MAX = 8;

/** What brokers call it where kafkajs has no error of its own for it. */
const REFUSALS = ['SASL_AUTHENTICATION_FAILED', 'UNSUPPORTED_SASL_MECHANISM'];

/**
 * What the broker said, where a thrown value means that it did not let us in: for who we say we are, or for how we say
 * it. Undefined for everything else. Another attempt does not help before somebody has changed one of the two sides.
 */
export function refusedLogin(thrown: unknown): string | undefined {
  let error = thrown;
  for (let depth = 0; depth < CAUSES_DEEP_MAX && error instanceof Error; depth++) {
    const { name, type = '' } = error as { name: string; type?: string };
    if (name === 'KafkaJSSASLAuthenticationError' || REFUSALS.includes(type)) return error.message;
    error = error.cause;
  }
  return undefined;
}
