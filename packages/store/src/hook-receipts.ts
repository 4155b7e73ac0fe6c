import { setTimeout as sleep } from 'node:timers/promises';
import type { Collection } from 'mongodb';
import { isDuplicateKey, StoreError } from './errors.ts';
import type { MongoCall } from './mongo-call.ts';

/** When a hook first heard of a call. A document of the collection `hook_receipts`. */
export interface HookReceiptRow {
  /** `<hook>U+001F<call_id>` */
  _id: string;
  received_at: Date;
}

/** Platforms repeat a webhook for some hours. After this Mongo deletes what it remembers of it. */
const KEPT_DAYS = 7;
/** Together about two seconds. */
const ATTEMPTS = 20;
const PAUSE_MS = 10;

/**
 * For calls whose webhooks tell no start: the time of receipt stands for it. A repetition must bring the same start, or it
 * would be another event, so the first receipt is remembered.
 */
export class HookReceipts {
  readonly #rows: Collection<HookReceiptRow>;
  readonly #mongo: MongoCall;

  constructor(rows: Collection<HookReceiptRow>, mongo: MongoCall) {
    this.#rows = rows;
    this.#mongo = mongo;
  }

  /** Called within `ensureIndexes`, so it does not limit its time. */
  async createIndex(): Promise<void> {
    await this.#rows.createIndex({ received_at: 1 }, { expireAfterSeconds: KEPT_DAYS * 86_400 });
  }

  /** When the hook first heard of the call: `receivedAt`, unless an earlier caller came first. @throws StoreError */
  async firstReceipt(hookId: string, callId: string, receivedAt: Date): Promise<Date> {
    const _id = `${hookId}\u001f${callId}`;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        await this.#mongo(() => this.#rows.insertOne({ _id, received_at: receivedAt }));
        return receivedAt;
      } catch (thrown) {
        if (!isDuplicateKey(thrown)) throw thrown;
      }
      const row = await this.#mongo(() => this.#rows.findOne({ _id }));
      if (row !== null) return row.received_at;
      // It is another process's, and no majority has it yet. It may still be undone.
      await sleep(PAUSE_MS * attempt);
    }
    throw new StoreError('STORE_CONFLICT', true, new Error('another process is still writing the receipt'));
  }
}
