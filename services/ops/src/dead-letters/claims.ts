import { randomUUID } from 'node:crypto';
import type { DeadLetterState, DeadLetterStatus, DeadLetterStatuses } from '@calltally/store';
import type { FoundDeadLetter } from './dead-letter-client.ts';

/** Why a letter is not as was asked, in words for who asked. `code` is stable. */
export interface Problem {
  letter: string;
  code: string;
  message: string;
}

/** What a mark lets be done with a letter: `left` is none of those that were meant, `done` is as asked already. */
export type ClaimDecision = 'free' | 'done' | 'left' | Problem;

export interface Aim {
  state: 'retried' | 'discarded';
  /** Whether letters were named by id, and not chosen by filters. */
  named: boolean;
  /** Whether marks that are older than this run may be taken over. */
  again: boolean;
}

/** Claims letters for one run of a command, so that no other run takes them too. */
export class Claims {
  readonly attempt = randomUUID();
  readonly #begunAt = new Date();
  readonly #marks: DeadLetterStatuses;
  readonly #aim: Aim;
  readonly #report: (problem: Problem) => Promise<void>;
  /** Letters that were as asked already. */
  done = 0;

  constructor(marks: DeadLetterStatuses, aim: Aim, report: (problem: Problem) => Promise<void>) {
    this.#marks = marks;
    this.#aim = aim;
    this.#report = report;
  }

  /** Those that may be claimed, one for each event; says why others may not. */
  async free(found: readonly FoundDeadLetter[]): Promise<FoundDeadLetter[]> {
    const unique = new Map(found.map((one) => [one.event, one]));
    const free: FoundDeadLetter[] = [];
    for (const one of unique.values()) if (await this.#isFree(one, one.mark)) free.push(one);
    return free;
  }

  /** Marks letters with `state`, each unless another was faster. @returns those that are now ours @throws StoreError */
  async claim(free: readonly FoundDeadLetter[], state: DeadLetterState): Promise<FoundDeadLetter[]> {
    const events = free
      .filter(({ mark }) => mark === undefined)
      .map(({ event, letter }) => ({ id: event, letter: `${letter.dlqTopic}:${letter.id}` }));
    const inTheWay = await this.#marks.claim(events, state, this.attempt);
    const ours: FoundDeadLetter[] = [];
    const lost: string[] = [];
    for (const one of free) {
      const isOurs =
        one.mark === undefined
          ? !inTheWay.has(one.event)
          : await this.#marks.takeOver(one.mark, state, this.attempt);
      if (isOurs) ours.push(one);
      else lost.push(one.event);
    }
    await this.#tellLost(free, lost);
    return ours;
  }

  /** Somebody was faster: what they did says what there is to tell. */
  async #tellLost(free: readonly FoundDeadLetter[], lost: readonly string[]): Promise<void> {
    const marks = await this.#marks.of(lost);
    for (const one of free) if (lost.includes(one.event)) await this.#isFree(one, marks.get(one.event));
  }

  async #isFree({ letter }: FoundDeadLetter, mark: DeadLetterStatus | undefined): Promise<boolean> {
    // A younger mark is of somebody who was asked at the same time, and faster.
    const again = this.#aim.again && mark !== undefined && mark.at < this.#begunAt;
    const standing = claimDecisionOf(letter.id, mark, { ...this.#aim, again });
    if (standing === 'done' && this.#aim.named) this.done++;
    if (typeof standing === 'object') await this.#report(standing);
    return standing === 'free';
  }
}

export function claimDecisionOf(letter: string, mark: DeadLetterStatus | undefined, aim: Aim): ClaimDecision {
  if (mark === undefined) return 'free';
  const { state } = mark;
  const isAsked = state === aim.state;
  if (aim.again && (state === 'retrying' || (aim.named && !(isAsked && state === 'discarded'))))
    return 'free';
  if (isAsked) return 'done';
  const at = mark.at.toISOString();
  if (state === 'retrying') {
    const message = `a retry that began ${at} is under way or was interrupted, so the event may be published already; --again takes it over`;
    return { letter, code: 'LETTER_RETRYING', message };
  }
  if (!aim.named) return 'left';
  const message = `it was ${state} ${at}; --again ${aim.state === 'retried' ? 'publishes' : 'marks'} it all the same`;
  return { letter, code: 'LETTER_SETTLED', message };
}
