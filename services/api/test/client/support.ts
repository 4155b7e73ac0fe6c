import type { DashboardStream, StreamEvent } from '@calltally/client';

/** A fetch that remembers what it was asked. `move` leads requests for one address to another, as a balancer does. */
export function countedFetch() {
  const asked: string[] = [];
  let moved = (url: string) => url;
  return {
    asked,
    move(from: string, to: string) {
      moved = (url) => url.replace(from, to);
    },
    fetch(url: string, init: RequestInit): Promise<Response> {
      asked.push(url);
      return fetch(moved(url), init);
    },
  };
}

/** Reads a stream in the background. */
export class Follower {
  readonly events: StreamEvent[] = [];
  /** Resolves when the stream has ended, with the error if there was one. */
  readonly ended: Promise<unknown>;
  #changed = () => {};

  constructor(readonly stream: DashboardStream) {
    this.ended = this.#follow();
  }

  /** The totals of all figures, in order. */
  get totals(): number[] {
    return this.events.flatMap((event) => (event.type === 'dashboard' ? [event.data.total_calls] : []));
  }

  /** How often the connection was lost. */
  get losses(): StreamEvent[] {
    return this.events.filter(({ type }) => type === 'disconnected');
  }

  /** Resolves when `judge` accepts what has come. A test that waits in vain ends by its time limit. */
  async when(judge: (follower: this) => boolean): Promise<void> {
    while (!judge(this)) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve;
      });
    }
  }

  async #follow(): Promise<unknown> {
    try {
      for await (const event of this.stream) {
        this.events.push(event);
        this.#changed();
      }
      return undefined;
    } catch (thrown) {
      return thrown;
    }
  }
}
