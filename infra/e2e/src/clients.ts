import { Agent, get } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 5;

/** One client that sends a request after the other, on one connection or on a new one each time. */
export class Client {
  /** How requests were answered: a status, or the code of the error, and how often. */
  readonly outcomes = new Map<number | string, number>();
  readonly #agent: Agent;
  #isStopping = false;
  readonly #over: Promise<void>;

  constructor(url: string, apiKey: string, { keepAlive }: { keepAlive: boolean }) {
    this.#agent = new Agent({ keepAlive, maxSockets: 1 });
    this.#over = this.#run(`${url}/analytics/dashboard`, { authorization: `Bearer ${apiKey}` });
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#over;
    this.#agent.destroy();
  }

  async #run(url: string, headers: Record<string, string>): Promise<void> {
    while (!this.#isStopping) {
      const outcome = await this.#ask(url, headers);
      this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
      await sleep(PAUSE_MS);
    }
  }

  #ask(url: string, headers: Record<string, string>): Promise<number | string> {
    return new Promise((resolve) => {
      const failed = (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message);
      const request = get(url, { agent: this.#agent, headers }, (response) => {
        response
          .on('error', failed)
          .on('end', () => resolve(response.statusCode!))
          .resume();
      });
      request.on('error', failed);
    });
  }
}

/** One client that follows `/analytics/stream` and connects again whenever it ends. */
export class Follower {
  /** Events of the connections so far, and what was not a stream: a status, or the error. */
  readonly ends: string[] = [];
  /** `total_calls` of the last figures. */
  calls: number | undefined;
  readonly #leaving = new AbortController();
  readonly #over: Promise<void>;

  constructor(url: string, apiKey: string) {
    this.#over = this.#run(`${url}/analytics/stream?start_date=2000-01-01`, apiKey);
  }

  async stop(): Promise<void> {
    this.#leaving.abort();
    await this.#over;
  }

  async #run(url: string, apiKey: string): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      const end = await this.#follow(url, apiKey).catch(String);
      if (!signal.aborted) this.ends.push(end);
      // What the events of `retry` ask for: soon after `reconnect`, else 2 s.
      await sleep(end === 'reconnect' ? 100 : 2_000, undefined, { signal }).catch(() => {});
    }
  }

  /** @returns the last event of the stream, or the status of a refusal */
  async #follow(url: string, apiKey: string): Promise<string> {
    const headers = { authorization: `Bearer ${apiKey}` };
    const response = await fetch(url, { headers, signal: this.#leaving.signal });
    if (!response.ok || response.body === null) return String(response.status);
    let text = '';
    let last = 'nothing';
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const blocks = (text + chunk).split('\n\n');
      text = blocks.pop()!;
      for (const block of blocks) {
        last = /^event: (.*)$/m.exec(block)?.[1] ?? last;
        if (last !== 'dashboard') continue;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data !== undefined) this.calls = JSON.parse(data).total_calls;
      }
    }
    return last;
  }
}
