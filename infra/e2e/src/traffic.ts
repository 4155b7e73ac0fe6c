import type { CallEvent, CompletedCallEvent } from '@calltally/contract';
import type { Chance } from './random.ts';
import { Revisions } from './revisions.ts';

const DAY_MS = 86_400_000;
const YEAR_MS = 365 * DAY_MS;

/** Times where calendars often go wrong: ends of days, of ISO weeks 52, 53 and 1, leap days, months, years. */
const BORDERS = [
  '2024-02-28T23:59:59.999Z',
  '2024-02-29T00:00:00Z',
  '2024-02-29T23:59:59.999Z',
  '2024-03-01T00:00:00Z',
  '2024-12-29T23:59:59.999Z',
  '2024-12-30T00:00:00Z',
  '2024-12-31T23:59:59.999Z',
  '2025-01-01T00:00:00Z',
  '2025-03-30T01:30:00Z',
  '2025-12-28T23:59:59.999Z',
  '2025-12-29T00:00:00Z',
  '2026-01-01T00:00:00Z',
  '2026-01-04T23:59:59.999Z',
  '2026-01-05T00:00:00Z',
  '2026-02-28T23:59:59.999Z',
  '2026-03-01T00:00:00Z',
  '2026-10-25T00:59:59.999Z',
].map((text) => new Date(text).getTime());

/**
 * Characters in ids besides letters and digits: everything with a syntax of its own must cope with them. The first two
 * users have plain ids, because tests type these into Redis.
 */
const IN_NAMES = [
  '',
  '-',
  '}{',
  '💬',
  '客户',
  '+=^#',
  '%7D',
  'e\u0301',
  '\u202eevil\u202c',
  '\u2028x',
  '"$\\\'',
];
/** The first ones most often. Some look like the names of fields in counters. */
const AGENTS = [
  'ada',
  'arn:aws:connect:1/agent/7',
  'Zoë Ng',
  '客户💬',
  '',
  'n',
  '-',
  '0',
  '1,inbound',
  'Ada',
  '💬'.repeat(129),
];
/** Of some users' many agents, who have a call now and then. */
const OTHER_AGENTS = 40;
const DIRECTIONS = ['inbound', 'outbound', 'web', 'outbound-api', 'Incoming', 'sideways', 'OUTGOING', ''];
const STATUSES = [
  'completed',
  'failed',
  'no-answer',
  'busy',
  'Cancelled',
  'voicemail',
  'transferred',
  'COMPLETED',
  '',
  'n,a',
  'No Answer',
  'прервано',
];
/** Labels as a query may give them: also in spellings, and of values, that no event has. */
export const ASKED_LABELS = {
  agent: [...AGENTS, 'agent-1', 'agent-2', 'ADA'],
  direction: [...DIRECTIONS, 'web_call', 'upward'],
  status: [...STATUSES, 'voice mail', 'no_answer', 'canceled', 'unheard-of'],
};
/** Not a valid label and not a valid end: the call is counted without these fields. */
export const NO_LABEL = 'x'.repeat(65);
export const NO_END = 'later';

/** Random calls of some users: most of them recent, some on calendar borders, some up to three years late. */
export class Traffic {
  readonly #chance: Chance;
  readonly #prefix: string;
  readonly users: readonly string[];
  readonly #revisions: Revisions;
  #made = 0;

  constructor(chance: Chance, prefix: string, users: number) {
    this.#chance = chance;
    this.#prefix = prefix;
    this.users = Array.from(
      { length: users },
      (_, i) => `${prefix}-user-${i}${IN_NAMES[i % IN_NAMES.length]}`,
    );
    this.#revisions = new Revisions(chance, this);
  }

  call(nowMs: number): CompletedCallEvent {
    const chance = this.#chance;
    const startedAt = this.#startedAt(nowMs);
    const event: CompletedCallEvent = {
      call_id: `${this.#prefix}-${this.#made++}${chance.chance(0.2) ? chance.pick(IN_NAMES) : ''}`,
      user_id: chance.pick(this.users),
      started_at: instantText(chance, startedAt),
    };
    const seconds = this.#duration();
    if (chance.chance(0.1)) event.ended_at = new Date(startedAt + Math.floor(seconds * 1000)).toISOString();
    else {
      event.duration_seconds = seconds;
      // A call may last longer than its talk time.
      const endedAt = startedAt + Math.ceil(seconds * 1000) + chance.int(0, 60_000);
      if (chance.chance(0.1)) event.ended_at = new Date(endedAt).toISOString();
      else if (chance.chance(0.02)) event.ended_at = NO_END;
    }
    if (chance.chance(0.7)) event.agent_id = this.#agent();
    if (chance.chance(0.7)) event.direction = chance.chance(0.02) ? NO_LABEL : pickSkewed(chance, DIRECTIONS);
    if (chance.chance(0.7)) event.status = chance.chance(0.02) ? NO_LABEL : pickSkewed(chance, STATUSES);
    return event;
  }

  calls(count: number, nowMs: number): CompletedCallEvent[] {
    return Array.from({ length: count }, () => this.call(nowMs));
  }

  /** What really arrives: of about eight events, one is no new call but a later event of another one. */
  events(count: number, nowMs: number): CallEvent[] {
    return Array.from({ length: count }, () => this.#revisions.next(nowMs)).flat();
  }

  /** The same call with other content. Without a higher revision, send it only after the original is counted. */
  changed(event: CompletedCallEvent): CompletedCallEvent {
    const seconds = Math.abs(this.#duration() - 1);
    const changed = { ...event, duration_seconds: seconds, ended_at: null, status: 'canceled' };
    // As when a call is put through to somebody else.
    return this.#chance.chance(0.5) ? { ...changed, agent_id: this.#agent() } : changed;
  }

  #agent(): string {
    const chance = this.#chance;
    return chance.chance(0.1) ? `agent-${chance.int(1, OTHER_AGENTS)}` : pickSkewed(chance, AGENTS);
  }

  #startedAt(nowMs: number): number {
    const chance = this.#chance;
    const kind = chance.next();
    if (kind < 0.35) return nowMs - chance.int(0, 3 * DAY_MS);
    if (kind < 0.6) return nowMs - chance.int(0, 40 * DAY_MS);
    if (kind < 0.75) return Math.min(nowMs, chance.pick(BORDERS) + chance.int(-2, 2));
    if (kind < 0.85) {
      const midnight = nowMs - (nowMs % DAY_MS) - chance.int(0, 45) * DAY_MS;
      return Math.min(nowMs, midnight + chance.int(-1, 1));
    }
    return nowMs - chance.int(0, 3 * YEAR_MS);
  }

  #duration(): number {
    const chance = this.#chance;
    const kind = chance.next();
    if (kind < 0.1) return 0;
    if (kind < 0.5) return chance.int(0, 3_600_000) / 1000;
    if (kind < 0.6) return chance.int(0, 60_000_0000) / 10_000;
    if (kind < 0.65) return 604_800;
    return chance.int(1, 900);
  }
}

/** The first ones most often. */
function pickSkewed<T>(chance: Chance, list: readonly T[]): T {
  return list[Math.floor(list.length * chance.next() ** 2)]!;
}

function instantText(chance: Chance, ms: number): string {
  const kind = chance.next();
  if (kind < 0.8) return new Date(ms).toISOString();
  const hours = chance.int(-11, 12);
  const offset = `${hours < 0 ? '-' : '+'}${String(Math.abs(hours)).padStart(2, '0')}:30`;
  const offsetMs = (hours < 0 ? -1 : 1) * (Math.abs(hours) * 60 + 30) * 60_000;
  return new Date(ms + offsetMs).toISOString().replace('Z', offset);
}
