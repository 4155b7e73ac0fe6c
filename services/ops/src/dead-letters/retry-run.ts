import type { Rejection } from '@calltally/contract';
import type { Message } from 'kafkajs';
import { Claims, type Problem } from './claims.ts';
import type { DeadLetterClient, FoundDeadLetter } from './dead-letter-client.ts';
import { Publisher } from './publisher.ts';
import { rejectionsNow } from './rejected-again.ts';
import { messageAgain } from './stored-dead-letter.ts';

export interface RetryOptions {
  named: boolean;
  again: boolean;
  /** Says what would be, and changes nothing. */
  dryRun: boolean;
  /** Publishes what would be rejected again, too. */
  force: boolean;
  /** Another value for the one letter, known to be a call of this user. */
  corrected: { value: Buffer; userId: string } | undefined;
  report(problem: Problem): Promise<void>;
}

/**
 * Publishes letters again, in this order: claim (`retrying`) → publish, all replicas → mark (`retried`). None begins
 * before the one above it is acknowledged. What ends in between leaves `retrying`, which nobody takes by accident.
 */
export class RetryRun {
  readonly #client: DeadLetterClient;
  readonly #options: RetryOptions;
  readonly #claims: Claims;
  #publisher: Publisher | undefined;
  /** Letters that are published and marked, or would be in a dry run. */
  retried = 0;
  /** Letters that were claimed, and not marked `retried`: they are published, or not. */
  inDoubt = 0;

  constructor(client: DeadLetterClient, options: RetryOptions) {
    this.#client = client;
    this.#options = options;
    const { named, again, report } = options;
    this.#claims = new Claims(client.store.deadLetterStatuses, { state: 'retried', named, again }, report);
  }

  /** Letters named by id that were retried before. */
  get already(): number {
    return this.#claims.done;
  }

  /** @throws StoreError, errors of kafkajs, CommandError; then `inDoubt` letters are left `retrying` */
  async take(found: readonly FoundDeadLetter[]): Promise<void> {
    const sound = await this.#sound(await this.#claims.free(found));
    if (this.#options.dryRun) {
      this.retried += sound.length;
      return;
    }
    if (sound.length === 0) return;
    this.#publisher ??= await Publisher.open(this.#client.kafka);
    const { deadLetterStatuses } = this.#client.store;
    const before = this.inDoubt;
    // Before the claim, since one that is not answered may have been made.
    this.inDoubt += sound.length;
    const ours = await this.#claims.claim(sound, 'retrying');
    this.inDoubt = before + ours.length;
    for (const [topic, letters] of byTopic(ours)) {
      await this.#publisher.publish(topic, letters.map(this.#messageOf));
      const events = letters.map(({ event }) => event);
      await deadLetterStatuses.settle(events, this.#claims.attempt);
      this.inDoubt -= letters.length;
      this.retried += letters.length;
    }
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  readonly #messageOf = ({ letter }: FoundDeadLetter): Message =>
    messageAgain(letter, this.#options.corrected);

  /** Those that have somewhere to go and would be taken there; says why others are not published. */
  async #sound(found: readonly FoundDeadLetter[]): Promise<FoundDeadLetter[]> {
    const { corrected, force } = this.#options;
    const rejections =
      corrected || force
        ? []
        : await rejectionsNow(
            this.#client.store,
            found.map(({ letter }) => letter.value),
          );
    const sound: FoundDeadLetter[] = [];
    for (const [i, one] of found.entries()) {
      const problem = this.#noWay(one) ?? rejectedAgain(one, rejections[i]);
      if (problem === undefined) sound.push(one);
      else await this.#options.report(problem);
    }
    return sound;
  }

  #noWay({ letter: { id, source, cut } }: FoundDeadLetter): Problem | undefined {
    const { topics, dlqTopic } = this.#client;
    if (cut !== undefined && this.#options.corrected === undefined) {
      const message = `it holds only a part of the event (${cut}); give the whole one with --value`;
      return { letter: id, code: 'LETTER_CUT', message };
    }
    if (source === undefined) {
      const message = 'its headers do not say where it came from, so ingest did not write it';
      return { letter: id, code: 'LETTER_SOURCELESS', message };
    }
    if (topics.has(source.topic) && source.topic !== dlqTopic) return undefined;
    const message = `it came from ${source.topic}, where nothing can be published`;
    return { letter: id, code: 'LETTER_SOURCE_UNKNOWN', message };
  }
}

function rejectedAgain({ letter }: FoundDeadLetter, rejection: Rejection | undefined): Problem | undefined {
  if (rejection === undefined) return undefined;
  const message = `it would be rejected again: ${rejection.message} (${rejection.code}); correct it with --value, or publish it with --force`;
  return { letter: letter.id, code: 'LETTER_REJECTED_AGAIN', message };
}

function byTopic(found: readonly FoundDeadLetter[]): Map<string, FoundDeadLetter[]> {
  const topics = new Map<string, FoundDeadLetter[]>();
  for (const one of found) {
    const topic = one.letter.source!.topic;
    const known = topics.get(topic);
    if (known === undefined) topics.set(topic, [one]);
    else known.push(one);
  }
  return topics;
}
