import { setTimeout as sleep } from 'node:timers/promises';
import type { CallEvent } from '@calltally/contract';
import { CallEventProducerError } from '@calltally/contract/producer';
import type { World } from './world.ts';

const PAUSE_MS = 40;
const BURST_MAX = 60;

/** Events that flow while a test does its worst: new ones, the same again, the same by another partition. */
export class Flow {
  readonly #world: World;
  readonly #sent: CallEvent[] = [];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();

  constructor(world: World) {
    this.#world = world;
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
    const { platform, traffic, oracle, chance } = this.#world;
    while (!this.#stopped) {
      const fresh = traffic.calls(chance.int(1, BURST_MAX), Date.now());
      const again = this.#sent.filter(() => chance.chance(5 / (this.#sent.length + 1)));
      // Known to the oracle before it is sent: a counter may be ahead of the acknowledgement, never of this.
      for (const event of fresh) oracle.add(event);
      await this.#send([...fresh, ...again]);
      const acknowledgedAtMs = Date.now();
      for (const event of fresh) oracle.acknowledge(event, acknowledgedAtMs);
      if (again.length > 0 && chance.chance(0.3)) {
        await platform.sendUnderKey('another-key', again).catch(() => {});
      }
      this.#sent.push(...fresh);
      await sleep(PAUSE_MS);
    }
  }

  /** Repeats what Kafka did not acknowledge; some of it may have arrived all the same. */
  async #send(events: readonly CallEvent[]): Promise<void> {
    for (const end = Date.now() + 120_000; ; await sleep(200)) {
      try {
        await this.#world.platform.producer.sendAll(events);
        return;
      } catch (thrown) {
        if (!(thrown instanceof CallEventProducerError) || !thrown.retryable || Date.now() > end)
          throw thrown;
      }
    }
  }
}
