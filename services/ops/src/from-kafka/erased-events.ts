import type { SumsAt } from '@calltally/ledger';
import { type ErasureRow, isErased, type Source, type Store } from '@calltally/store';

/** Which events of the topic are of users who were erased, as of one moment. */
export class ErasedEvents {
  readonly #store: Store;
  readonly #version: number;
  readonly #erasures: ReadonlyMap<string, ErasureRow>;

  private constructor(store: Store, version: number, erasures: ReadonlyMap<string, ErasureRow>) {
    this.#store = store;
    this.#version = version;
    this.#erasures = erasures;
  }

  /** @throws StoreError */
  static async read(store: Store): Promise<ErasedEvents> {
    const version = await store.erasures.version();
    const erasures = new Map<string, ErasureRow>();
    for await (const page of store.erasures.pages()) for (const one of page) erasures.set(one._id, one);
    return new ErasedEvents(store, version, erasures);
  }

  has(userId: string, source: Source): boolean {
    const erasure = this.#erasures.get(userId);
    return erasure !== undefined && (erasure.state !== 'finished' || isErased(erasure, source));
  }

  /** Users whose erasures have changed since. The services fill them from rows. @throws StoreError */
  async changed(): Promise<ReadonlySet<string>> {
    return new Set(await this.#store.erasures.changedSince(this.#version));
  }

  /**
   * Leaves out those users. Asked after they were opened: if an erasure begins still later, it deletes what is filled, or
   * the piece is refused.
   */
  leaveOut(sumsAt: SumsAt): SumsAt {
    return async (userIds, through) => {
      const sums = await sumsAt(userIds, through);
      const changed = await this.changed();
      return sums.filter(({ userId }) => !changed.has(userId));
    };
  }
}
