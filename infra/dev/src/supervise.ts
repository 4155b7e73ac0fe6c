import { kafkaFault } from '@calltally/contract';
import { isFileFault } from '@calltally/stack';
import { Closing, stopSignal } from './closing.ts';

export const say = (line: string) => console.log(line);

/** What starting needs. */
export interface Surroundings {
  /** The folder of the repository. */
  root: string;
  args: readonly string[];
  /** Aborts when this process should end. */
  stopping: AbortSignal;
  closing: Closing;
}

/**
 * Lets `run` start everything, and ends what it added to `closing` once this process is asked to stop or `run` fails.
 *
 * @returns the exit status: 0 after a request to stop, 1 after a failure, which it has printed
 * @throws file system errors
 */
export async function supervise(
  root: string,
  args: readonly string[],
  run: (around: Surroundings) => Promise<void>,
): Promise<number> {
  const stopping = stopSignal();
  const closing = new Closing();
  let failure: unknown;
  try {
    await run({ root, args, stopping, closing });
  } catch (error) {
    if (!stopping.aborted) failure = error;
  }
  if (stopping.aborted) say('\nending …');
  for (const problem of await closing.run()) say(describe(problem));
  if (stopping.aborted) say('everything has stopped');
  if (failure === undefined) return 0;
  if (isFileFault(failure)) throw failure;
  say(describe(failure));
  return 1;
}

/** Prints how long a step took. */
export async function timed<T>(step: string, work: () => Promise<T>): Promise<T> {
  const startedAtMs = performance.now();
  const result = await work();
  say(`${step}: ${((performance.now() - startedAtMs) / 1000).toFixed(1)} s`);
  return result;
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.name.startsWith('KafkaJS')
    ? (kafkaFault(error)?.message ??
        `Kafka: ${error.message}; check that it runs and that KAFKA_BROKERS is correct`)
    : error.message;
}
