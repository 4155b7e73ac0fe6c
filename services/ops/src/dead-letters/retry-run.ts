import { decodeCallEvent, type Rejection } from '@calltally/contract';
import type { DeadLetterClient, FoundDeadLetter } from './dead-letter-client.ts';
import { isLetterErased, usersOf } from './letter-users.ts';
import { Publisher } from './publisher.ts';
import { lettersToSettle, settle } from './settle.ts';
import { messageAgain } from './stored-dead-letter.ts';
import type { Problem } from './with-dead-letters.ts';

export interface RetryOptions {
  named: boolean;
  again: boolean;
  /** Counts what would be published, and changes nothing. */
  dryRun: boolean;
  /** Publishes what would be rejected again, too. */
  force: boolean;
  /** Another value for the one letter, known to be a call of this user. */
  corrected: { value: Buffer; userId: string } | undefined;
  report(problem: Problem): Promise<void>;
}

/**
 * Publishes letters again: first publish, acknowledged by all in-sync replicas, then mark as `retried`. A crash in
 * between leaves the letter open, so no letter is lost; a retry that publishes it once more does not count it twice,
 * since counting is idempotent by call id. For the same reason two operators need no lock between them.
 */
export class RetryRun {
  readonly #client: DeadLetterClient;
  readonly #options: RetryOptions;
  #publisher: Publisher | undefined;
  /** Letters that are published and marked, or would be in a dry run. */
  retried = 0;
  /** Letters named by id that were retried before. */
  already = 0;
  /** Letters that may be published, but could not be marked. They are still open. */
  inDoubt = 0;

  constructor(client: DeadLetterClient, options: RetryOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** @throws StoreError, errors of kafkajs, CommandError; then `inDoubt` letters may be published */
  async take(found: readonly FoundDeadLetter[]): Promise<void> {
    const { named, again, dryRun, corrected, report } = this.#options;
    const { letters, already } = await lettersToSettle(found, { state: 'retried', named, again }, report);
    this.already += already;
    const publishable = await this.#publishable(letters);
    if (!dryRun && publishable.length > 0) {
      this.#publisher ??= await Publisher.open(this.#client.kafka);
      this.inDoubt += publishable.length;
      await this.#publisher.publish(
        publishable.map(({ letter }) => ({
          topic: letter.source!.topic,
          message: messageAgain(letter, corrected),
        })),
      );
      await settle(this.#client, publishable, 'retried');
      this.inDoubt -= publishable.length;
    }
    this.retried += publishable.length;
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  /** Those that ingest would take from a topic that is there. Reports the others. */
  async #publishable(found: readonly FoundDeadLetter[]): Promise<FoundDeadLetter[]> {
    const { corrected, force, report } = this.#options;
    const values = corrected || force ? [] : found.map(({ letter }) => letter.value);
    const rejections = rejectionsNow(values);
    const erased = await this.#ofErasedUsers(found);
    const publishable: FoundDeadLetter[] = [];
    for (const [i, one] of found.entries()) {
      const problem = this.#unpublishable(one) ?? erased.get(one) ?? rejectedAgain(one, rejections[i]);
      if (problem === undefined) publishable.push(one);
      else await report(problem);
    }
    return publishable;
  }

  /** Published again, it would count as a call of a new user. */
  async #ofErasedUsers(found: readonly FoundDeadLetter[]): Promise<Map<FoundDeadLetter, Problem>> {
    const { erasures, progress } = this.#client.store;
    const problems = new Map<FoundDeadLetter, Problem>();
    const users = new Map(found.map((one) => [one, usersOf(one.letter)]));
    const { corrected } = this.#options;
    if (corrected !== undefined) for (const ids of users.values()) ids.add(corrected.userId);
    const erased = await erasures.of([...new Set([...users.values()].flatMap((ids) => [...ids]))]);
    if (erased.size === 0) return problems;
    const stream = await progress.currentStream();
    for (const [one, ids] of users) {
      const { letter } = one;
      if (![...ids].some((id) => erased.has(id) && isLetterErased(erased.get(id)!, letter, stream))) continue;
      const message = 'its user was erased after it failed, so it is never published again';
      problems.set(one, { letter: letter.id, code: 'LETTER_OF_ERASED_USER', message });
    }
    return problems;
  }

  #unpublishable({ letter: { id, source, cut } }: FoundDeadLetter): Problem | undefined {
    const { topics, dlqTopic } = this.#client;
    if (cut !== undefined && this.#options.corrected === undefined) {
      const message = `it holds only a part of the event (${cut}); give the whole event with --value`;
      return { letter: id, code: 'LETTER_CUT', message };
    }
    if (source === undefined) {
      const message = 'its headers do not say where it came from, so ingest did not write it';
      return { letter: id, code: 'LETTER_SOURCELESS', message };
    }
    if (topics.has(source.topic) && source.topic !== dlqTopic) return undefined;
    const message = `it came from ${source.topic}, which cannot be published to`;
    return { letter: id, code: 'LETTER_SOURCE_UNKNOWN', message };
  }
}

function rejectedAgain({ letter }: FoundDeadLetter, rejection: Rejection | undefined): Problem | undefined {
  if (rejection === undefined) return undefined;
  const message = `it would be rejected again: ${rejection.message} (${rejection.code}); correct it with --value, or publish it with --force`;
  return { letter: letter.id, code: 'LETTER_REJECTED_AGAIN', message };
}

/** For each value, why ingest would reject it now; undefined if it would take it. */
function rejectionsNow(values: readonly (Buffer | null)[]): (Rejection | undefined)[] {
  const nowMs = Date.now();
  return values.map((value) => decodeCallEvent(value, nowMs).rejection);
}
