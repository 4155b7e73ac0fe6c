import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { CallEventProducerError } from '@calltally/contract/producer';
import type { Oracle } from './oracle.ts';
import type { Platform } from './platform.ts';
import type { Chance } from './random.ts';
import type { Traffic } from './traffic.ts';

const PAUSE_MS = 40;
const BURST_MAX = 60;

/** Events that flow while a test does its worst: new ones, the same again, the same by another partition. */
export class Flow {
  readonly #platform: Platform;
  readonly #traffic: Traffic;
  readonly #oracle: Oracle;
  readonly #chance: Chance;
  readonly #sent: CallEvent[] = [];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(platform: Platform, traffic: Traffic, oracle: Oracle, chance: Chance) {
    this.#platform = platform;
    this.#traffic = traffic;
    this.#oracle = oracle;
    this.#chance = chance;
  }

  get sent(): number {
    return this.#sent.length;
  }

  start(): void {
    this.#running = this.#run();
  }

  /** Ends when everything that was begun is acknowledged. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const fresh = this.#traffic.calls(this.#chance.int(1, BURST_MAX), Date.now());
      const again = this.#sent.filter(() => this.#chance.chance(5 / (this.#sent.length + 1)));
      // Known to the oracle before it is sent: a counter may be ahead of the acknowledgement, never of this.
      for (const event of fresh) this.#oracle.add(event);
      await this.#send([...fresh, ...again]);
      if (again.length > 0 && this.#chance.chance(0.3)) {
        await this.#platform.sendUnderKey('another-key', again).catch(() => {});
      }
      this.#sent.push(...fresh);
      await sleep(PAUSE_MS);
    }
  }

  /** Repeats what Kafka did not acknowledge; some of it may have arrived all the same. */
  async #send(events: readonly CallEvent[]): Promise<void> {
    for (const end = Date.now() + 120_000; ; await sleep(200)) {
      try {
        await this.#platform.producer.sendAll(events);
        return;
      } catch (thrown) {
        if (!(thrown instanceof CallEventProducerError) || !thrown.retryable || Date.now() > end)
          throw thrown;
      }
    }
  }
}
