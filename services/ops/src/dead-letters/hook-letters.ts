import type { CallEvent, Rejection } from '@calltally/contract';
import { fromFirstReceipt } from '@calltally/hooks';
import type { HookRow, Store } from '@calltally/store';
import { definitionIn } from '../hooks/hook-view.ts';
import { judgePayload } from '../hooks/judge-payload.ts';
import { usersOf } from './letter-users.ts';
import type { StoredDeadLetter } from './stored-dead-letter.ts';

/** What the letter of a webhook means by its hook as it is now. */
export interface HookReading {
  events: readonly { event: CallEvent; startsAtReceipt: boolean }[];
  rejections: readonly Rejection[];
  /** Whose calls the hook always brings. */
  userId: string | undefined;
}

/** Reads letters of webhooks again: calltally may have learned to, or the hook was changed. */
export class HookLetters {
  readonly #store: Store;
  readonly #hooks = new Map<string, HookRow | undefined>();

  constructor(store: Store) {
    this.#store = store;
  }

  /** @returns undefined if the letter is of no webhook, or its hook was deleted. @throws StoreError */
  async read({ hook, value, failedAtMs }: StoredDeadLetter): Promise<HookReading | undefined> {
    if (hook === undefined || value === null) return undefined;
    const row = await this.#hook(hook.id);
    if (row === undefined) return undefined;
    const url = `http://localhost/hooks/${row.provider}/${row._id}?${hook.query}`;
    const definition = definitionIn(row);
    const outcomes = judgePayload({ body: value, headers: {}, url, receivedAtMs: failedAtMs }, definition);
    return {
      events: outcomes.flatMap((one) => ('event' in one ? one : [])),
      rejections: outcomes.flatMap((one) => ('rejection' in one ? one.rejection : [])),
      userId: 'id' in definition.user ? definition.user.id : undefined,
    };
  }

  /** The users that a letter may be of, whether of a webhook or not. @throws StoreError */
  async usersOf(letter: StoredDeadLetter): Promise<Set<string>> {
    const users = usersOf(letter);
    const reading = await this.read(letter);
    for (const { event } of reading?.events ?? []) users.add(event.user_id);
    if (reading?.userId !== undefined) users.add(reading.userId);
    return users;
  }

  /** The event of a letter, from the first receipt of its call on, since it tells no start. @throws StoreError */
  async fromFirstReceipt({ hook, failedAtMs }: StoredDeadLetter, event: CallEvent): Promise<object> {
    const receivedAt = new Date(failedAtMs);
    const first = await this.#store.hookReceipts.firstReceipt(hook!.id, event.call_id, receivedAt);
    return fromFirstReceipt({ ...event }, failedAtMs, first.getTime());
  }

  async #hook(hookId: string): Promise<HookRow | undefined> {
    if (!this.#hooks.has(hookId)) this.#hooks.set(hookId, await this.#store.hooks.find(hookId));
    return this.#hooks.get(hookId);
  }
}
