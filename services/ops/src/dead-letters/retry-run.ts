import { decodeCallEvent, type Rejection } from '@calltally/contract';
import type { Message } from 'kafkajs';
import type { DeadLetterClient, FoundDeadLetter } from './dead-letter-client.ts';
import { HookLetters } from './hook-letters.ts';
import { isLetterErased } from './letter-users.ts';
import { Publisher } from './publisher.ts';
import { lettersToSettle, settle } from './settle.ts';
import { messageAgain, RETRIED_FROM_HEADER } from './stored-dead-letter.ts';
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

/** What is to be published for a letter: of a webhook perhaps several events. */
interface Publishable {
  found: FoundDeadLetter;
  messages: { topic: string; message: Message }[];
}

/**
 * Publishes letters again: first publish, acknowledged by all in-sync replicas, then mark as `retried`. A crash in
 * between leaves the letter open, so no letter is lost; a retry that publishes it once more does not count it twice,
 * since counting is idempotent by call id. For the same reason two operators need no lock between them.
 */
export class RetryRun {
  readonly #client: DeadLetterClient;
  readonly #options: RetryOptions;
  readonly #hookLetters: HookLetters;
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
    this.#hookLetters = new HookLetters(client.store);
  }

  /** @throws StoreError, errors of kafkajs, CommandError; then `inDoubt` letters may be published */
  async take(found: readonly FoundDeadLetter[]): Promise<void> {
    const { named, again, dryRun, report } = this.#options;
    const { letters, already } = await lettersToSettle(found, { state: 'retried', named, again }, report);
    this.already += already;
    const publishable = await this.#publishable(letters);
    if (!dryRun && publishable.length > 0) {
      this.#publisher ??= await Publisher.open(this.#client.kafka);
      this.inDoubt += publishable.length;
      await this.#publisher.publish(publishable.flatMap(({ messages }) => messages));
      const settled = publishable.map(({ found }) => found);
      await settle(this.#client, settled, 'retried');
      this.inDoubt -= publishable.length;
    }
    this.retried += publishable.length;
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  /** Those that ingest would take from a topic that is there. Reports the others. */
  async #publishable(found: readonly FoundDeadLetter[]): Promise<Publishable[]> {
    const erased = await this.#ofErasedUsers(found);
    const publishable: Publishable[] = [];
    for (const one of found) {
      const problem = this.#unpublishable(one) ?? erased.get(one);
      const messages = problem ?? (await this.#messagesOf(one));
      if (Array.isArray(messages)) publishable.push({ found: one, messages });
      else await this.#options.report(messages);
    }
    return publishable;
  }

  async #messagesOf(one: FoundDeadLetter): Promise<Publishable['messages'] | Problem> {
    const { letter } = one;
    const { corrected, force } = this.#options;
    if (letter.hook !== undefined && corrected === undefined) return this.#messagesOfHook(one);
    const topic = letter.source?.topic ?? this.#client.topic;
    const isTaken = corrected !== undefined || force;
    const rejection = isTaken ? undefined : decodeCallEvent(letter.value, Date.now()).rejection;
    return rejection === undefined
      ? [{ topic, message: messageAgain(letter, corrected) }]
      : rejectedAgain(one, rejection);
  }

  /** The events that a webhook means now. With `force` those that it gives, although others of it are rejected. */
  async #messagesOfHook(one: FoundDeadLetter): Promise<Publishable['messages'] | Problem> {
    const { letter } = one;
    const { dryRun, force } = this.#options;
    const reading = await this.#hookLetters.read(letter);
    if (reading === undefined) {
      const message = 'its hook was deleted, so nothing says what it means; give the event with --value';
      return { letter: letter.id, code: 'LETTER_HOOK_UNKNOWN', message };
    }
    const [rejection] = reading.rejections;
    if (rejection !== undefined && !(force && reading.events.length > 0))
      return rejectedAgain(one, rejection);
    if (reading.events.length === 0) {
      const message = 'its hook takes no call from it now; discard it, or give the event with --value';
      return { letter: letter.id, code: 'LETTER_WITHOUT_CALL', message };
    }
    const messages: Publishable['messages'] = [];
    for (const { event, startsAtReceipt } of reading.events) {
      const sent =
        startsAtReceipt && !dryRun ? await this.#hookLetters.fromFirstReceipt(letter, event) : event;
      const headers = { [RETRIED_FROM_HEADER]: `${letter.dlqTopic}:${letter.id}` };
      const message = { key: event.user_id, value: JSON.stringify(sent), headers };
      messages.push({ topic: this.#client.topic, message });
    }
    return messages;
  }

  /** Published again, it would count as a call of a new user. */
  async #ofErasedUsers(found: readonly FoundDeadLetter[]): Promise<Map<FoundDeadLetter, Problem>> {
    const { erasures, progress } = this.#client.store;
    const problems = new Map<FoundDeadLetter, Problem>();
    const users = new Map<FoundDeadLetter, Set<string>>();
    for (const one of found) users.set(one, await this.#hookLetters.usersOf(one.letter));
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

  #unpublishable({ letter: { id, source, hook, cut } }: FoundDeadLetter): Problem | undefined {
    const { topic, topics, dlqTopic } = this.#client;
    if (cut !== undefined && this.#options.corrected === undefined) {
      const message = `it holds only a part of the event (${cut}); give the whole event with --value`;
      return { letter: id, code: 'LETTER_CUT', message };
    }
    if (source === undefined && hook === undefined) {
      const message = 'its headers do not say where it came from, so calltally did not write it';
      return { letter: id, code: 'LETTER_SOURCELESS', message };
    }
    const to = source?.topic ?? topic;
    if (topics.has(to) && to !== dlqTopic) return undefined;
    const message = `it belongs to ${to}, which cannot be published to`;
    return { letter: id, code: 'LETTER_SOURCE_UNKNOWN', message };
  }
}

function rejectedAgain({ letter }: FoundDeadLetter, rejection: Rejection): Problem {
  const { code, message: why } = rejection;
  const force = letter.hook === undefined ? ', or publish it with --force' : '';
  const message = `it would be rejected again: ${why} (${code}); correct it with --value${force}`;
  return { letter: letter.id, code: 'LETTER_REJECTED_AGAIN', message };
}
