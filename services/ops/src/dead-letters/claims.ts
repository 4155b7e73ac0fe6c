import { randomUUID } from 'node:crypto';
import type { DeadLetterMark, DeadLetterMarks, MarkState } from '@calltally/store';
import type { Found } from './scan.ts';

/** Why a letter is not as was asked, in words for who asked. `code` is stable. */
export interface Problem {
  letter: string;
  code: string;
  message: string;
}

/** What a mark lets be done with a letter: `left` is none of those that were meant, `done` is as asked already. */
export type Standing = 'free' | 'done' | 'left' | Problem;

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
  readonly #marks: DeadLetterMarks;
  readonly #aim: Aim;
  readonly #report: (problem: Problem) => Promise<void>;
  /** Letters that were as asked already. */
  done = 0;

  constructor(marks: DeadLetterMarks, aim: Aim, report: (problem: Problem) => Promise<void>) {
    this.#marks = marks;
    this.#aim = aim;
    this.#report = report;
  }

  /** Those that may be claimed, one for each event; says why others may not. */
  async free(found: readonly Found[]): Promise<Found[]> {
    const unique = new Map(found.map((one) => [one.event, one]));
    const free: Found[] = [];
    for (const one of unique.values()) if (await this.#isFree(one, one.mark)) free.push(one);
    return free;
  }

  /** Marks letters with `state`, each unless another was faster. @returns those that are now ours @throws StoreError */
  async claim(free: readonly Found[], state: MarkState): Promise<Found[]> {
    const events = free
      .filter(({ mark }) => mark === undefined)
      .map(({ event, letter }) => ({ id: event, letter: `${letter.dlqTopic}:${letter.id}` }));
    const inTheWay = await this.#marks.claim(events, state, this.attempt);
    const ours: Found[] = [];
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
  async #tellLost(free: readonly Found[], lost: readonly string[]): Promise<void> {
    const marks = await this.#marks.of(lost);
    for (const one of free) if (lost.includes(one.event)) await this.#isFree(one, marks.get(one.event));
  }

  async #isFree({ letter }: Found, mark: DeadLetterMark | undefined): Promise<boolean> {
    // A younger mark is of somebody who was asked at the same time, and faster.
    const again = this.#aim.again && mark !== undefined && mark.at < this.#begunAt;
    const standing = standingOf(letter.id, mark, { ...this.#aim, again });
    if (standing === 'done' && this.#aim.named) this.done++;
    if (typeof standing === 'object') await this.#report(standing);
    return standing === 'free';
  }
}

export function standingOf(letter: string, mark: DeadLetterMark | undefined, aim: Aim): Standing {
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
