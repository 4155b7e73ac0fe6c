import type { CallEvent, CompletedCallEvent, DeletedCallEvent } from '@calltally/contract';
import type { Chance } from './random.ts';

/** A call, and the revisions that its events had so far. */
interface Revised {
  event: CompletedCallEvent;
  revisions: Set<number>;
}

/** Makes random contents. */
interface Contents {
  /** A call with an id of its own. */
  call(nowMs: number): CompletedCallEvent;
  /** The same call with other content. */
  changed(event: CompletedCallEvent): CompletedCallEvent;
}

const LATER = 1 / 8;
/** Calls that are probably not counted yet. */
const RECENT = 100;

/**
 * Calls and later events of them: corrections, deletions, deleted calls that come back, deletions that come first, and
 * revisions that come too late. A call's events have different revisions, so the order in which they arrive decides nothing.
 */
export class Revisions {
  readonly #chance: Chance;
  readonly #contents: Contents;
  readonly #calls: Revised[] = [];
  /** Those with later events. */
  readonly #revised: Revised[] = [];

  constructor(chance: Chance, contents: Contents) {
    this.#chance = chance;
    this.#contents = contents;
  }

  next(nowMs: number): CallEvent[] {
    const chance = this.#chance;
    if (this.#calls.length === 0 || !chance.chance(LATER))
      return [this.#note(this.#contents.call(nowMs)).event];
    const kind = chance.next();
    if (kind < 0.1) return this.#deletedFirst(nowMs);
    if (kind < 0.2) return [this.#namesake(nowMs)];
    if (kind < 0.6 && this.#revised.length > 0) return [this.#laterOf(chance.pick(this.#revised), nowMs)];
    const call = chance.pick(chance.chance(0.5) ? this.#calls.slice(-RECENT) : this.#calls);
    this.#revised.push(call);
    return [this.#laterOf(call, nowMs)];
  }

  #note(event: CompletedCallEvent): Revised {
    const call = { event, revisions: new Set([0]) };
    this.#calls.push(call);
    return call;
  }

  #deletedFirst(nowMs: number): CallEvent[] {
    const call = this.#note(this.#contents.call(nowMs));
    this.#revised.push(call);
    return [this.#deletionOf(call), call.event];
  }

  /** A call with the id of another user's call. */
  #namesake(nowMs: number): CallEvent {
    const { call_id, user_id } = this.#chance.pick(this.#calls).event;
    const event = this.#contents.call(nowMs);
    const isTheirs =
      event.user_id !== user_id &&
      this.#calls.every((call) => call.event.call_id !== call_id || call.event.user_id !== event.user_id);
    return this.#note(isTheirs ? { ...event, call_id } : event).event;
  }

  #laterOf(call: Revised, nowMs: number): CallEvent {
    const chance = this.#chance;
    const { call_id, user_id } = call.event;
    const late = Math.max(...call.revisions) - 1;
    const isLate = !call.revisions.has(late) && late > 0 && chance.chance(0.3);
    if (!isLate && chance.chance(0.3)) return this.#deletionOf(call);
    const content = chance.chance(0.5) ? this.#contents.call(nowMs) : this.#contents.changed(call.event);
    const revision = isLate ? late : this.#higher(call);
    call.revisions.add(revision);
    return { ...content, call_id, user_id, revision };
  }

  #deletionOf(call: Revised): DeletedCallEvent {
    const { call_id, user_id, started_at } = call.event;
    const revision = this.#higher(call);
    call.revisions.add(revision);
    // Times are ignored.
    return { call_id, user_id, revision, deleted: true, ...(this.#chance.chance(0.3) && { started_at }) };
  }

  #higher({ revisions }: Revised): number {
    return Math.max(...revisions) + this.#chance.int(1, 3);
  }
}
